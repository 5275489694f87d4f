//! Headers, cookies, and requests that other sites make.

use e2e::{Answer, Call, Cast, Market, PASSWORD, Snapshot, check_headers, check_safe, crawl};
use http::Method;
use serde_json::{Value, json};

/// Answers of every kind: pages and documents, refusals, files, redirects, and the host's own.
async fn answers(cast: &Cast) -> Vec<Answer> {
    let visitor = cast.market.visitor();
    let mut answers = Vec::new();
    for path in [
        "/",
        "/nothing",
        "/dashboard/slices",
        "/static/style.css",
        "/static/app.js",
        "/static/icons/favicon.svg",
        "/favicon.ico",
        "/docs/problems",
        "/api/openapi.json",
        "/api/health",
        "/api/wallet",
        "/api/nothing",
        "/api/marketplace/nodes?limit=0",
    ] {
        answers.push(visitor.send_unchecked(&Call::get(path)).await);
    }
    let large = Call::post("/api/account", &Value::Null).body("x".repeat(100_000));
    let other_site = Call::form("/login", []).with("sec-fetch-site", "cross-site");
    for call in [
        Call::new(Method::PUT, "/api/wallet"),
        Call::new(Method::OPTIONS, "/login"),
        Call::new(Method::TRACE, "/"),
        Call::get("/api/health").with("if-none-match", "*"),
        large,
        other_site,
    ] {
        answers.push(visitor.send_unchecked(&call).await);
    }
    for path in ["/dashboard/slices", "/dashboard/slices/nobody", "/api/wallet"] {
        answers.push(cast.ada.send_unchecked(&Call::get(path)).await);
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_16_the_cookie_is_bound_to_host_and_tls() {
    for (cookie, _) in cookies(&Market::start().await).await {
        let flags: Vec<_> = cookie.split("; ").collect();
        assert!(flags[0].starts_with("__Host-session="), "{cookie}");
        for flag in ["Secure", "HttpOnly", "Path=/"] {
            assert!(flags.contains(&flag), "{flag}: {cookie}");
        }
        assert!(!flags.iter().any(|flag| flag.starts_with("Domain")), "{cookie}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_16_a_session_counts_in_its_cookie_only() {
    let Cast { market, ada, .. } = Cast::meet().await;
    let (_, cookie) = ada.role("ada").credential.unwrap();
    let (name, secret) = cookie.split_once('=').unwrap();
    let visitor = market.visitor();
    visitor.with_token(secret).get("/api/wallet").await.problem(401, "not-signed-in");
    for target in [
        format!("/api/wallet?{name}={secret}"),
        format!("/api/wallet?token={secret}"),
        format!("/api/wallet?access_token={secret}"),
    ] {
        visitor.get(&target).await.problem(401, "not-signed-in");
    }
    for header in ["x-session", "x-auth-token", "x-api-key", name] {
        let call = Call::get("/api/wallet").with(header, secret);
        visitor.send(call).await.problem(401, "not-signed-in");
    }
    // A token is no cookie either, nor a part of an address.
    let (_, bearer) = ada.token(&["read"]).await.role("token").credential.unwrap();
    let token = bearer.trim_start_matches("Bearer ");
    for name in ["session", "__Host-session"] {
        let client = visitor.with_cookie(&format!("{name}={token}"));
        client.get("/api/wallet").await.problem(401, "not-signed-in");
    }
    let query = format!("/api/wallet?access_token={token}");
    visitor.get(&query).await.problem(401, "not-signed-in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_17_other_sites_do_not_send_the_cookie() {
    for (public, local) in cookies(&Market::start().await).await {
        for cookie in [public, local] {
            let is_kept_back = ["SameSite=Lax", "SameSite=Strict"]
                .iter()
                .any(|flag| cookie.split("; ").any(|given| given == *flag));
            assert!(is_kept_back, "{cookie}");
        }
    }
}

/// What signing up, in and out sets: on the public host, and on localhost.
async fn cookies(market: &Market) -> Vec<(String, String)> {
    let visitor = market.visitor();
    let mut cookies = Vec::new();
    for (path, emails) in [
        ("/api/account", ["ada@example.org", "ben@example.org"]),
        ("/api/account/sessions", ["ada@example.org", "ben@example.org"]),
    ] {
        let [public, local] =
            emails.map(|email| Call::post(path, &json!({ "email": email, "password": PASSWORD })));
        let public = visitor.send(public.with("host", "mycelium.example")).await;
        let local = visitor.send(local).await;
        cookies.push((public.set_cookie().to_owned(), local.set_cookie().to_owned()));
    }
    let (public, local) = cookies[0].clone();
    let pair = |cookie: &str| cookie.split(';').next().unwrap().to_owned();
    let sign_out = || Call::new(Method::DELETE, "/api/account/sessions");
    let client = visitor.with_cookie(&pair(&public));
    let public = client.send(sign_out().with("host", "mycelium.example")).await;
    let local = visitor.with_cookie(&pair(&local)).send(sign_out()).await;
    cookies.push((public.set_cookie().to_owned(), local.set_cookie().to_owned()));
    cookies
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_18_browsers_are_told_to_keep_to_tls() {
    for answer in app_answers().await {
        let hsts = answer.header("strict-transport-security").unwrap_or_default();
        let age = hsts.split("; ").find_map(|part| part.strip_prefix("max-age="));
        let age: u64 = age.and_then(|age| age.parse().ok()).unwrap_or(0);
        assert!(age >= 31_536_000 && hsts.contains("includeSubDomains"), "{hsts}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_19_no_other_origin_reads_an_answer() {
    let cast = Cast::meet().await;
    for origin in ["https://evil.example", "null", "http://localhost", "https://mycelium.example"] {
        for path in ["/", "/api/marketplace/nodes", "/api/wallet", "/api/openapi.json", "/nothing"]
        {
            for method in [Method::GET, Method::OPTIONS] {
                let call = Call::new(method, path)
                    .with("origin", origin)
                    .with("access-control-request-method", "POST")
                    .with("access-control-request-headers", "authorization");
                let answer = cast.ada.send(call).await;
                let allowing = answer.header_names().find(|n| n.starts_with("access-control-"));
                assert_eq!(allowing, None, "{answer}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_20_the_policy_allows_nothing_inline() {
    for answer in app_answers().await {
        let policy = answer.header("content-security-policy").unwrap_or_default();
        let directive = |name: &str| {
            let found =
                policy.split("; ").find_map(|part| part.strip_prefix(name)?.strip_prefix(' '));
            found.unwrap_or_default()
        };
        assert_eq!(directive("default-src"), "'none'", "{answer}");
        assert_eq!(directive("script-src"), "'self'", "{answer}");
        assert_eq!(directive("style-src"), "'self'", "{answer}");
        // What is not named falls back to `default-src`.
        assert!(["", "'none'"].contains(&directive("object-src")), "{answer}");
        assert_eq!(directive("base-uri"), "'none'", "{answer}");
        assert_eq!(directive("form-action"), "'self'", "{answer}");
        for loose in ["unsafe", "data:", "http:", "https:", "*", "blob:"] {
            assert!(!policy.contains(loose), "{loose}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_21_every_answer_is_guarded() {
    let cast = Cast::meet().await;
    for answer in answers(&cast).await {
        let wrong = check_headers(&answer);
        // The host's own answers are for nobody to follow links from: they say less.
        let is_hosts = answer.header("cross-origin-opener-policy").is_none();
        if !is_hosts {
            assert_eq!(wrong, [""; 0], "{answer}");
        }
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer}");
        let referrer = answer.header("referrer-policy").unwrap_or_default();
        let known = ["same-origin", "no-referrer", "strict-origin"];
        assert!(known.contains(&referrer), "{answer}");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("frame-ancestors 'none'"), "{answer}");
    }
    // Requests that are no requests are answered by the host alone.
    for request in [
        "GET /api/health HTTP/1.1\r\n\r\n",
        "GET /api/health HTTP/1.1\r\nhost: a b\r\n\r\n",
        "GET /.well-known/spin/nothing HTTP/1.1\r\nhost: a\r\n\r\n",
    ] {
        let said = cast.market.raw(request.as_bytes()).await.to_lowercase();
        assert!(said.contains("\r\nx-content-type-options: nosniff\r\n"), "{said}");
        assert!(said.contains("frame-ancestors 'none'"), "{said}");
    }
}

/// Every kind of answer that the app itself makes.
async fn app_answers() -> Vec<Answer> {
    let cast = Cast::meet().await;
    let answers = answers(&cast).await.into_iter();
    let answers: Vec<_> =
        answers.filter(|answer| answer.header("cross-origin-opener-policy").is_some()).collect();
    assert!(answers.len() > 20, "the app has answered {} times", answers.len());
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_22_nothing_changes_for_another_site() {
    let cast = Cast::meet().await;
    let roles = cast.roles().await;
    let forms = crawl(&cast.site(), &roles).await.forms;
    let document = cast.market.visitor().get("/api/openapi.json").await.ok(200);
    let mut targets: Vec<(Method, String)> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path.replace("{node}", "node32").replace("{rental}", &cast.ada_rental);
        for method in methods.as_object().unwrap().keys().filter(|method| *method != "get") {
            targets.push((method.to_uppercase().parse().unwrap(), path.clone()));
        }
    }
    targets.extend(
        forms
            .into_iter()
            .filter(|found| found.form.method == "post")
            .map(|found| (Method::POST, found.form.action)),
    );
    assert!(targets.len() > 15, "{targets:?}");
    let before = Snapshot::of(&cast.market.database());
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", &format!("{}.evil.example", cast.market.url())),
    ] {
        for (method, target) in &targets {
            for client in [&cast.ada, &cast.farmer, &cast.market.visitor()] {
                let call = Call::new(method.clone(), target).with(name, value);
                let answer = client.send(call.json(&json!({}))).await;
                assert_eq!(answer.status, 403, "{name}: {value}: {answer}");
            }
        }
    }
    assert_eq!(before.changes(&Snapshot::of(&cast.market.database())), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_23_no_get_changes_anything() {
    let cast = Cast::meet().await;
    let roles = cast.roles().await;
    let walk = crawl(&cast.site(), &roles).await;
    assert!(walk.findings.is_empty(), "{:#?}", walk.findings);
    // It has seen something: pages, lists, and every operation that reads.
    assert!(walk.addresses > 100 && walk.requests > 1_000, "{walk:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_24_the_way_back_is_on_this_site() {
    let Cast { market, ada, .. } = Cast::meet().await;
    let visitor = market.visitor();
    for (number, next) in [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%09/evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/a\r\nlocation: https://evil.example",
        "http:evil.example",
        "evil.example",
    ]
    .into_iter()
    .enumerate()
    {
        let query: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        for path in ["/login", "/signup"] {
            let target = format!("{path}?{query}");
            stays(&ada.get(&target).await.see_other(), next);
            let page = visitor.get(&target).await.page(200);
            for kept in page.html().split("name=\"next\" value=\"").skip(1) {
                stays(kept.split('"').next().unwrap(), next);
            }
            let email = format!("new{number}@example.org");
            let email = if path == "/login" { "ada@example.org" } else { &email };
            let fields = [("email", email), ("password", PASSWORD), ("next", next)];
            stays(&visitor.send(page.submit(path, &fields)).await.see_other(), next);
        }
    }
}

/// Expects a path on this site.
#[track_caller]
fn stays(location: &str, next: &str) {
    let here = url::Url::parse("https://mycelium.example/login").unwrap();
    let there = here.join(location).unwrap();
    assert_eq!(there.origin(), here.origin(), "{next:?} leads to {location}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_25_every_body_says_what_it_is() {
    let cast = Cast::meet().await;
    let answers = answers(&cast).await;
    for answer in &answers {
        let kind = answer.header("content-type").unwrap_or_default();
        if answer.body.is_empty() {
            continue;
        }
        if kind == "application/json" || kind == "application/problem+json" {
            answer.json();
        } else if kind == "image/svg+xml" {
            assert!(answer.text().contains("<svg"), "{answer}");
        } else {
            assert!(kind.starts_with("text/") && kind.ends_with("; charset=utf-8"), "{answer}");
        }
        // The address does not matter where nobody has signed in.
        let wrong: Vec<_> = check_safe(answer, false, "/static/").into_iter().collect();
        let wrong = wrong.iter().filter(|wrong| wrong.contains("charset") || wrong.contains("UTF"));
        assert_eq!(wrong.count(), 0, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_27_a_request_has_one_length_and_one_end() {
    let market = Market::start().await;
    let hidden = "GET /api/openapi.json HTTP/1.1\r\nhost: a\r\n\r\n";
    let body = format!("0\r\n\r\n{hidden}");
    for head in [
        format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", body.len()),
        format!("transfer-encoding: chunked\r\ncontent-length: {}\r\n", body.len()),
        format!("content-length: {}\r\ncontent-length: 5\r\n", body.len()),
        format!("content-length: 5, {}\r\n", body.len()),
        "content-length: +5\r\n".to_owned(),
        "content-length: -1\r\n".to_owned(),
        "transfer-encoding: xchunked\r\n".to_owned(),
        "transfer-encoding: chunked, identity\r\n".to_owned(),
        "transfer-encoding : chunked\r\n".to_owned(),
        "x-folded: a\r\n b\r\ncontent-length: 0\r\n".to_owned(),
    ] {
        let request = format!("POST /api/account HTTP/1.1\r\nhost: a\r\n{head}\r\n{body}");
        let said = market.raw(request.as_bytes()).await;
        // Whatever is answered to the first, the hidden second request never is one.
        assert!(!said.contains("\"openapi\""), "{head}: {said}");
        let statuses = said.matches("HTTP/1.1 ").count();
        assert!(statuses <= 1, "{head}: {said}");
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 400"), "{head}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_28_only_what_is_documented_is_there() {
    let Cast { market, ada, .. } = Cast::meet().await;
    for path in ["/", "/api/health", "/api/wallet", "/static/style.css"] {
        let answer = ada.send_unchecked(&Call::new(Method::TRACE, path)).await;
        assert_eq!(answer.status, 405, "{answer}");
        assert!(!answer.text().contains("session="), "{answer}");
    }
    for path in [
        "/metrics",
        "/debug",
        "/debug/pprof",
        "/server-status",
        "/actuator",
        "/admin",
        "/.env",
        "/.git/config",
        "/spin.toml",
        "/openapi.json",
        "/swagger",
        "/api/docs",
        "/api/metrics",
        "/api/debug",
        "/static",
        "/static/icons",
        "/static/..%2fspin.toml",
        "/static/%2e%2e/spin.toml",
        "/dev/mail",
        "/.well-known/spin/info",
    ] {
        let answer = market.visitor().send_unchecked(&Call::get(path)).await;
        assert_eq!(answer.status, 404, "{answer}");
    }
    // A folder is not listed: its path leads to where nothing is.
    for folder in ["/static", "/static/icons"] {
        let call = Call::get(&format!("{folder}/"));
        let answer = market.visitor().send_unchecked(&call).await;
        assert_eq!((answer.status, answer.header("location")), (308, Some(folder)), "{answer}");
    }
    // What is for programs that watch, and says nothing but that it is there.
    assert_eq!(market.visitor().get("/api/health").await.text(), "{\"status\":\"ok\"}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_29_what_somebody_is_shown_is_kept_nowhere() {
    let cast = Cast::meet().await;
    let paths = [
        "/",
        "/marketplace/compute",
        "/dashboard/slices",
        "/dashboard/wallet",
        "/api/wallet",
        "/api/marketplace/nodes",
        "/api/rentals/nobody",
        "/api/admin/invariants",
        "/api/admin/sync-runs",
        "/api/admin/jobs",
        "/docs/api",
    ];
    for role in cast.roles().await {
        let signed_in = role.credential.is_some();
        for path in paths {
            let mut call = Call::get(path);
            if let Some((name, value)) = &role.credential {
                call = call.with(name, value);
            }
            let answer = cast.market.visitor().send_unchecked(&call).await;
            let caching = answer.header("cache-control").unwrap_or_default();
            if signed_in || answer.status >= 400 {
                assert_eq!(caching, "no-store", "{}: {answer}", role.name);
                assert_eq!(answer.header("etag"), None, "{}: {answer}", role.name);
            }
            // And what is public is not for who signs in later.
            let varies = answer.header("vary").unwrap_or_default().to_lowercase();
            assert!(varies.contains("cookie") && varies.contains("authorization"), "{answer}");
        }
    }
}
