-- What holds on `sync_runs`, and what follows from a change of it.

-- A run that is recorded is over: another one may begin, where this one stopped.
CREATE TRIGGER finished_sync_run_releases_lease AFTER INSERT ON sync_runs
  WHEN NEW.fence IS NOT NULL
BEGIN
    UPDATE sync_state SET leased_until = 0, behind = NEW.behind
     WHERE id = 1 AND fence = NEW.fence;
END;
