//! What happens to an account, as it happens: streams, and the same by asking again.

use std::time::{Duration, Instant};

use e2e::{Call, Client, Heard, Market};
use http::Method;
use serde_json::{Value, json};

/// How soon an event is told.
const SOON: Duration = Duration::from_secs(3);
/// Longer than a stream lasts.
const WHOLE: Duration = Duration::from_mins(1);

/// The kind and slice of an event.
fn what(event: &Value) -> String {
    format!("{} {}", event["kind"].as_str().unwrap(), event["slice_id"].as_str().unwrap_or("-"))
}

/// A farmer with a node on the market, and a renter with money.
async fn farmer_and_ada(market: &Market) -> (Client, Client) {
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    (farmer, market.sign_up_with("ada@example.org", "1000").await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_is_told_to_whom_it_concerns_and_to_nobody_else() {
    let market = Market::start().await;
    let (farmer, ada) = farmer_and_ada(&market).await;
    let eve = market.sign_up("eve@example.org").await;
    let mut streams = [farmer.listen(None).await, ada.listen(None).await, eve.listen(None).await];
    for stream in &mut streams {
        let head = stream.head();
        assert_eq!(head.status, 200);
        assert_eq!(head.header("content-type"), Some("text/event-stream"));
        assert_eq!(head.header("cache-control"), Some("no-store"));
        assert_eq!(head.header("x-accel-buffering"), Some("no"));
        assert_eq!(head.header("content-length"), None);
        assert!(head.header("content-security-policy").is_some());
        let Heard::Sign(sign) = stream.hear(SOON).await else { panic!("no beginning") };
        assert!(sign.starts_with("retry: 3000\nevent: begun\nid: "), "{sign}");
    }
    let token = ada.token(&["read", "rent"]).await;
    let started = Instant::now();
    let rental = token.rent("node32", 1).await.ok(201)["rental"].clone();
    let [of_farmer, of_ada, of_eve] = &mut streams;
    let (told, farm) = (of_ada.event(SOON).await, of_farmer.event(SOON).await);
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    let id = &told["id"];
    assert_eq!(
        told,
        json!({ "id": id, "kind": "slice-rented", "rental_id": rental["id"],
                "node_id": "node32", "slice_id": "node32_slice_1", "subject": null,
                "at": rental["started_at"] })
    );
    // The farm's owner is notified of the slice, and neither who rents it nor the rental.
    let mut expected = told.clone();
    expected["rental_id"] = Value::Null;
    assert_eq!(farm, expected);
    assert_eq!(of_eve.hear(Duration::from_secs(2)).await, Heard::Nothing);
    assert_eq!(of_ada.hear(Duration::ZERO).await, Heard::Nothing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_back_is_told_what_was_missed_once() {
    let market = Market::start().await;
    let (_, ada) = farmer_and_ada(&market).await;
    let mut stream = ada.listen(None).await;
    ada.rent("node32", 1).await.ok(201);
    assert_eq!(what(&stream.event(SOON).await), "slice-rented node32_slice_1");
    let last = stream.last_event_id;
    drop(stream);
    // Nobody looks for somebody who is gone.
    let gone = Instant::now();
    while !market.log("events").contains("a stream was left after") {
        assert!(gone.elapsed() < Duration::from_secs(8), "{}", market.log("events"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for slice in 2..=4 {
        assert!(ada.rent("node32", 1).await.ok(201).to_string().contains(&slice.to_string()));
    }
    let mut stream = ada.listen(last).await;
    for slice in 2..=4 {
        let expected = format!("slice-rented node32_slice_{slice}");
        assert_eq!(what(&stream.event(SOON).await), expected);
    }
    market.credit("ada@example.org", "5").await.ok(201);
    assert_eq!(what(&stream.event(SOON).await), "wallet-credited -");
    assert_eq!(stream.hear(Duration::from_secs(2)).await, Heard::Nothing);

    // Programs that cannot keep a stream ask again.
    let polled = ada.get(&format!("/api/events?after={}", last.unwrap())).await.ok(200);
    let items = polled["items"].as_array().unwrap();
    assert_eq!(items.len(), 4);
    assert_eq!(what(&items[3]), "wallet-credited -");
    assert_eq!(polled["next_after"].as_i64(), stream.last_event_id);
    let now = ada.get("/api/events").await.ok(200);
    assert_eq!(now, json!({ "items": [], "next_after": polled["next_after"] }));
    // A number from the future, as after a restored backup, is the present end.
    assert_eq!(ada.get("/api/events?after=4294967295").await.ok(200), now);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_refused_before_it_begins() {
    let market = Market::start().await;
    let ada = market.sign_up("ada@example.org").await;
    let visitor = market.visitor();
    visitor.get("/api/events").await.problem(401, "not-signed-in");
    assert_eq!(visitor.listen(None).await.head().status, 401);
    ada.token(&["rent"]).await.get("/api/events").await.problem(403, "missing-scope");
    for after in ["-1", "%2B1", "x", "1.5", "4294967296"] {
        let answer = ada.get(&format!("/api/events?after={after}")).await;
        assert_eq!(answer.wrong_fields(), ["after"], "{after}");
    }
    let call = Call::get("/api/events").with("last-event-id", "none");
    assert_eq!(ada.send(call).await.wrong_fields(), ["Last-Event-ID"]);
    let head = Call::new(Method::HEAD, "/api/events").with("accept", "text/event-stream");
    let head = ada.send_unchecked(&head).await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));

    // So many streams at once, and no more; what they tell can be asked for all the same.
    let mut streams = vec![];
    for _ in 0..16 {
        streams.push(ada.listen(None).await);
        assert_eq!(streams.last().unwrap().head().status, 200);
    }
    let refused = Call::get("/api/events").with("accept", "text/event-stream");
    ada.send(refused).await.problem(429, "too-many-requests");
    ada.get("/api/events").await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_session() {
    let market = Market::start().await;
    let ada = market.sign_up_with("ada@example.org", "5").await;
    let other = market.sign_in("ada@example.org").await;
    let mut stream = ada.listen(None).await;
    assert!(matches!(stream.hear(SOON).await, Heard::Sign(_)));
    ada.delete("/api/account/sessions").await.ok(204);
    market.credit("ada@example.org", "5").await.ok(201);
    // What happens after that is not told, and the stream is over.
    assert_eq!(stream.hear(SOON).await, Heard::End);
    assert_eq!(ada.listen(stream.last_event_id).await.head().status, 401);
    other.get("/api/events").await.ok(200);
}

/// Twenty people look at their pages for as long as a stream lasts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_last_and_are_in_nobodys_way() {
    let market = Market::start().await;
    let mut streams = vec![];
    for number in 0..20 {
        let somebody = market.sign_up(&format!("account{number}@example.org")).await;
        streams.push((somebody.listen(None).await, somebody));
    }
    let started = Instant::now();
    for (stream, somebody) in &mut streams {
        assert!(matches!(stream.hear(SOON).await, Heard::Sign(_)));
        somebody.get("/api/events").await.ok(200);
    }
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    let (mut stream, _) = streams.pop().unwrap();
    // It says now and then that it is alive, and ends by itself.
    let mut signs = 0;
    loop {
        match stream.hear(WHOLE).await {
            Heard::Sign(sign) => assert_eq!(sign, ":"),
            Heard::End => break,
            other @ (Heard::Event(_) | Heard::Nothing) => panic!("{other:?}"),
        }
        signs += 1;
    }
    let lasted = started.elapsed();
    assert!((45..=55).contains(&lasted.as_secs()), "{lasted:?}");
    assert_eq!(signs, 9);
}
