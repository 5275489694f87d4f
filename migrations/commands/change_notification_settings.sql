-- Command: keeps what an account chooses: `choices` is a JSON array of what differs from the
-- defaults, objects with `kind`, `channel` and `is_on`.
CREATE VIEW change_notification_settings AS
    SELECT account_id, '[]' AS choices FROM notification_settings;

CREATE TRIGGER change_notification_settings_does
  INSTEAD OF INSERT ON change_notification_settings
BEGIN
    DELETE FROM notification_settings WHERE account_id = NEW.account_id;
    INSERT INTO notification_settings (account_id, kind, channel, is_on)
    SELECT NEW.account_id, value ->> 'kind', value ->> 'channel', value ->> 'is_on'
      FROM json_each(NEW.choices);
END;
