//! Saved searches: what is new to one, and that people are told of it once.

use domain::id::{NodeId, SavedSearchId};
use domain::listing::Listing;
use domain::time::Timestamp;
use store::offers::{self, Filter};
use store::saved_searches::{
    self, DueSearch, NOTIFIED_AGAIN_SECONDS, Reach, SAVED_SEARCHES_MAX, SavedSearch, SearchChange,
};
use store::{Db, RusqliteDb};

use crate::dump::dump;
use crate::market::{
    AIDA, Disk, FARMER, NODE, OMAR, account, assert_sound, attempt, by_hand, count, furnish,
    market, now, publish, random, register, rent, set, usd,
};
use crate::races::at_once;

fn id(number: u32) -> SavedSearchId {
    SavedSearchId::from_random(now(), random(number))
}

fn save(db: &dyn Db, number: u32, query: &str) -> Option<SavedSearch> {
    saved_searches::add(db, account(AIDA), id(number), "Belgium", query, now()).unwrap()
}

fn due(db: &dyn Db, at: Timestamp) -> Vec<DueSearch> {
    saved_searches::due(db, at, 10).unwrap()
}

/// Takes a look for the search that is due, and finds whatever is new.
fn look(db: &dyn Db, at: Timestamp) -> Option<Vec<u32>> {
    let search = due(db, at).pop()?;
    let reach = saved_searches::reach(db, search.seen_number).unwrap();
    Some(look_up_to(db, &search, reach, at))
}

fn look_up_to(db: &dyn Db, search: &DueSearch, reach: Reach, at: Timestamp) -> Vec<u32> {
    let numbers = [search.seen_number, reach.through];
    let found = offers::news(db, &Filter::default(), numbers, 100, at).unwrap();
    let found: Vec<(NodeId, i64)> = found.iter().map(|it| (it.node, it.version)).collect();
    saved_searches::look(db, search, reach, &found, at).unwrap();
    found.iter().map(|(node, _)| node.0).collect()
}

fn told(db: &RusqliteDb) -> Vec<(Option<u32>, String)> {
    let sql = "SELECT node_id, subject FROM events WHERE kind = 'saved-search-found' ORDER BY id";
    let mut statement = db.connection().prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a_search_is_saved_once_and_up_to_the_limit() {
    let db = market();
    let first = save(&db, 1, "place=Belgium").unwrap();
    assert_eq!(save(&db, 2, "place=Belgium").unwrap(), first);
    for number in 2..=SAVED_SEARCHES_MAX {
        save(&db, number, &format!("count={number}")).unwrap();
    }
    let before = dump(&db);
    assert_eq!(save(&db, 30, "count=30"), None);
    assert_eq!(save(&db, 31, "place=Belgium").unwrap(), first);
    assert_eq!(dump(&db), before);
    let all = saved_searches::of_account(&db, account(AIDA)).unwrap();
    assert_eq!(all.len(), usize::try_from(SAVED_SEARCHES_MAX).unwrap());
    assert_eq!(saved_searches::of_account(&db, account(OMAR)).unwrap(), []);
}

#[test]
fn nobody_changes_what_another_account_has_saved() {
    let db = market();
    let search = save(&db, 1, "").unwrap();
    let change = SearchChange { name: Some("mine"), is_on: Some(false) };
    let before = dump(&db);
    for (who, which) in [(OMAR, id(1)), (AIDA, id(2))] {
        let changed = saved_searches::change(&db, account(who), which, change, now()).unwrap();
        assert_eq!(changed, None);
        assert!(!saved_searches::remove(&db, account(who), which).unwrap());
        assert_eq!(saved_searches::find(&db, account(who), which).unwrap(), None);
    }
    assert_eq!(dump(&db), before);
    let changed = saved_searches::change(&db, account(AIDA), id(1), change, now()).unwrap();
    let expected = SavedSearch { name: "mine".to_owned(), is_on: false, ..search };
    assert_eq!(changed.unwrap(), expected);
    assert_eq!(due(&db, now().plus_seconds(9_999)), [], "it is off");
    assert!(saved_searches::remove(&db, account(AIDA), id(1)).unwrap());
}

#[test]
fn people_are_told_once_of_what_is_new() {
    let db = market();
    save(&db, 1, "");
    assert_eq!(look(&db, now()), Some(vec![]), "what was there is on the page");
    assert_eq!(look(&db, now()), None, "not again at once");
    register(&db, FARMER, 40, 2);
    publish(&db, 40, "20");
    let at = now().plus_seconds(300);
    assert_eq!(look(&db, at), Some(vec![40]));
    assert_eq!(told(&db), [(Some(40), "1: Belgium".to_owned())]);
    // What comes within an hour is told together after it.
    register(&db, FARMER, 41, 2);
    publish(&db, 41, "20");
    publish(&db, NODE, "24");
    assert_eq!(look(&db, at.plus_seconds(NOTIFIED_AGAIN_SECONDS - 1)), None);
    let at = at.plus_seconds(NOTIFIED_AGAIN_SECONDS);
    assert_eq!(look(&db, at), Some(vec![NODE, 41]));
    assert_eq!(told(&db)[1..], [(None, "2: Belgium".to_owned())]);
    assert_eq!(count(&db, "SELECT count(*) FROM saved_search_finds"), 3);
    assert_sound(&db);
}

#[test]
fn a_slice_that_comes_and_goes_is_told_of_once_a_week() {
    let db = market();
    register(&db, FARMER, 40, 1);
    publish(&db, 40, "20");
    save(&db, 1, "");
    // The only slice is rented and free again, as after a hold.
    let comes_and_goes = |at: Timestamp| {
        for state in ["retired", "available"] {
            by_hand(&db, &format!("UPDATE slices SET state = '{state}' WHERE node_id = 40"))
                .unwrap();
        }
        look(&db, at)
    };
    let at = now().plus_seconds(300);
    assert_eq!(comes_and_goes(at), Some(vec![40]));
    let at = at.plus_seconds(NOTIFIED_AGAIN_SECONDS);
    assert_eq!(comes_and_goes(at), Some(vec![40]));
    assert_eq!(told(&db).len(), 1, "its account knows it");
    publish(&db, 40, "19");
    let at = at.plus_seconds(300);
    assert_eq!(look(&db, at), Some(vec![40]));
    assert_eq!(told(&db).len(), 2, "at another price");
    let week = at.plus_seconds(7 * 86_400);
    assert_eq!(comes_and_goes(week), Some(vec![40]));
    assert_eq!(told(&db).len(), 3);
}

#[test]
fn what_is_full_or_off_the_market_is_not_news() {
    let db = market();
    let number = || count(&db, "SELECT max(number) FROM offer_news WHERE node_id = 32");
    let before = number();
    rent(&db, attempt(AIDA, "key")).unwrap();
    assert_eq!(number(), before, "it has less");
    set(&db, NODE, Some(usd("25")), Listing::Paused);
    assert_eq!(number(), before);
    publish(&db, NODE, "25");
    assert!(number() > before);
}

#[test]
fn of_many_who_look_one_tells() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = Disk::new(journal_mode);
        let db = disk.open();
        store::migrate::apply(&db, now()).unwrap();
        furnish(&db);
        save(&db, 1, "");
        register(&db, FARMER, 40, 2);
        publish(&db, 40, "20");
        let search = due(&db, now()).pop().unwrap();
        let reach = saved_searches::reach(&db, search.seen_number).unwrap();
        at_once(&disk, 16, |db, _| look_up_to(db, &search, reach, now()));
        assert_eq!(told(&db).len(), 1, "{journal_mode}");
        assert_sound(&db);
    }
}

#[test]
fn a_look_has_a_bound_and_goes_on() {
    let db = market();
    let search = save(&db, 1, "").unwrap();
    by_news(&db, 5_003);
    let first = due(&db, now()).pop().unwrap();
    let reach = saved_searches::reach(&db, first.seen_number).unwrap();
    assert_eq!(reach, Reach { through: first.seen_number + 5_000, has_more: true });
    saved_searches::look(&db, &first, reach, &[], now()).unwrap();
    let second = due(&db, now()).pop().unwrap();
    assert_eq!((second.id, second.seen_number), (search.id, reach.through), "at once");
    let reach = saved_searches::reach(&db, second.seen_number).unwrap();
    assert_eq!(reach, Reach { through: second.seen_number + 3, has_more: false });
}

/// So many more offers that are new.
fn by_news(db: &RusqliteDb, offers: u32) {
    let rows = format!(
        "PRAGMA foreign_keys = OFF;
         INSERT INTO offer_news (node_id)
         WITH n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n LIMIT {offers}) SELECT i FROM n;
         PRAGMA foreign_keys = ON;"
    );
    by_hand(db, &rows).unwrap();
}
