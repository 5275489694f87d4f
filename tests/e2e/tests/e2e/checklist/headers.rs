//! Headers, cookies, and requests that other sites make.

use e2e::{Cast, crawl};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_23_no_get_changes_anything() {
    let cast = Cast::meet().await;
    let roles = cast.roles().await;
    let walk = crawl(&cast.site(), &roles).await;
    assert!(walk.findings.is_empty(), "{:#?}", walk.findings);
    // It has seen something: pages, lists, and every operation that reads.
    assert!(walk.addresses > 100 && walk.requests > 1_000, "{walk:?}");
}
