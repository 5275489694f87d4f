//! Every route of `spin.toml` is called by some end-to-end test.

use toml::{Table, Value};

use crate::rust_text::{Kind, of_kind};
use crate::tree::SourceFile;

/// The paths that a test file mentions in its string literals. A `{…}` of a format string stands
/// for one segment.
pub(crate) fn mentions(file: &SourceFile) -> Vec<String> {
    let literals = of_kind(&file.text, Kind::Literal);
    let words = literals.flat_map(|literal| literal.text.split_whitespace());
    let paths = words.filter(|word| word.starts_with('/'));
    paths.map(|path| path.split(['?', '#', '\\']).next().unwrap_or(path).to_owned()).collect()
}

/// The routes that no mentioned path reaches.
pub(crate) fn check(manifest: &str, mentions: &[String]) -> Vec<String> {
    let routes = routes(manifest);
    let reached: Vec<_> = mentions.iter().filter_map(|path| winner(&routes, path)).collect();
    routes.iter().filter(|route| !reached.contains(route)).cloned().collect()
}

/// The public routes of a manifest.
fn routes(manifest: &str) -> Vec<String> {
    let manifest: Table = manifest.parse().unwrap_or_else(|error| panic!("spin.toml: {error}"));
    let triggers = manifest.get("trigger").and_then(|trigger| trigger.get("http"));
    let triggers = triggers.and_then(Value::as_array).into_iter().flatten();
    triggers.filter_map(|trigger| trigger.get("route")?.as_str()).map(str::to_owned).collect()
}

/// The route that Spin chooses for a path: the most exact one, then the longest.
fn winner(routes: &[String], path: &str) -> Option<String> {
    let fitting = routes.iter().filter(|route| fits(route, path));
    fitting.max_by_key(|route| (!route.ends_with("/..."), route.split('/').count())).cloned()
}

fn fits(route: &str, path: &str) -> bool {
    let (route, is_prefix) = match route.strip_suffix("/...") {
        Some(prefix) => (prefix, true),
        None => (route, false),
    };
    let segments = |path: &str| -> Vec<String> {
        path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
    };
    let (route, path) = (segments(route), segments(path));
    let length_fits = if is_prefix { path.len() >= route.len() } else { path.len() == route.len() };
    length_fits
        && route.iter().zip(&path).all(|(expected, found)| {
            expected.starts_with(':') || found.contains('{') || expected == found
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "
        [[trigger.http]]
        route = '/...'
        [[trigger.http]]
        route = '/api/rentals/:id'
        [[trigger.http]]
        route = '/api/farm/...'
        [[trigger.http]]
        route = '/login'
        [[trigger.http]]
        route = { private = true }
    ";

    #[track_caller]
    fn check_missing(test: &str, expected: &[&str]) {
        let file = SourceFile::fixture("tests/e2e/tests/a.rs", test);
        assert_eq!(check(MANIFEST, &mentions(&file)), expected);
    }

    #[test]
    fn a_route_without_a_test_is_noticed() {
        let most = "get(\"/\"); get(\"/login?next=a\"); get(\"/api/farm/nodes\");";
        check_missing(most, &["/api/rentals/:id"]);
        check_missing(&format!("{most} get(&format!(\"/api/rentals/{{id}}\"));"), &[]);
        check_missing(&format!("{most} // \"/api/rentals/7\""), &["/api/rentals/:id"]);
        check_missing(&format!("{most} get(\"/api/rentals/7/extend\");"), &["/api/rentals/:id"]);
        check_missing("", &["/...", "/api/rentals/:id", "/api/farm/...", "/login"]);
    }

    #[test]
    fn a_path_counts_for_the_route_that_serves_it() {
        let routes: Vec<_> = ["/...", "/a/...", "/a/:b", "/a/c"].map(str::to_owned).into();
        let check = |path, expected: &str| assert_eq!(winner(&routes, path).unwrap(), expected);
        check("/", "/...");
        check("/x/y", "/...");
        check("/a", "/a/...");
        check("/a/x/y", "/a/...");
        check("/a/x", "/a/:b");
    }
}
