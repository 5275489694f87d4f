//! Routes as Spin writes them: `/exact`, `/prefix/...`, `/api/:id`.

use std::cmp::Ordering;

use anyhow::{Result, bail, ensure};

/// Paths below this belong to the host, as they do on Spin.
pub(crate) const WELL_KNOWN_PREFIX: &str = "/.well-known/spin/";

/// One part of a route, between two slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Named(String),
    /// `...`: everything that follows, also nothing. Only at the end.
    Rest,
}

/// A parsed route.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    raw: String,
    parts: Vec<Part>,
}

/// What a path was matched with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RouteMatch<'a, T> {
    pub(crate) target: &'a T,
    /// The route as the manifest has it.
    pub(crate) route: &'a str,
    /// What `...` stands for, from its slash on.
    pub(crate) path_info: String,
    /// What each `:name` stands for.
    pub(crate) named: Vec<(&'a str, &'a str)>,
}

impl Route {
    /// Parses a route, or says in words what is wrong with it.
    pub(crate) fn parse(raw: &str) -> Result<Route> {
        let Some(path) = raw.strip_prefix('/') else {
            bail!("the route `{raw}` must start with `/`")
        };
        ensure!(
            !raw.starts_with(WELL_KNOWN_PREFIX),
            "the route `{raw}` is the host's own: nothing below {WELL_KNOWN_PREFIX} can be used"
        );
        let texts: Vec<&str> = split(path).collect();
        let mut parts = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let part = match text.strip_prefix(':') {
                Some("") => bail!("the route `{raw}` has a `:` without a name"),
                Some(name) => Part::Named(name.to_owned()),
                None if *text == "..." => Part::Rest,
                None => Part::Literal((*text).to_owned()),
            };
            ensure!(!text.is_empty(), "the route `{raw}` has an empty part");
            ensure!(
                part != Part::Rest || index + 1 == texts.len(),
                "the route `{raw}` has `...` before its end"
            );
            ensure!(
                part == Part::Rest
                    || !text.contains(['*', '?', '#', '[']) && !text.ends_with("..."),
                "the route `{raw}` has the part `{text}`, which matches no path"
            );
            parts.push(part);
        }
        Ok(Route { raw: raw.to_owned(), parts })
    }

    /// The named and trailing parts of a path, if it fits.
    fn matches<'a>(&'a self, path: &'a str) -> Option<(Vec<(&'a str, &'a str)>, String)> {
        let mut named = Vec::new();
        let mut rest = path.trim_matches('/');
        for part in &self.parts {
            if *part == Part::Rest {
                return Some((named, path_info(rest, path.ends_with('/'))));
            }
            if rest.is_empty() {
                return None;
            }
            let (text, after) = rest.split_once('/').unwrap_or((rest, ""));
            match part {
                Part::Literal(literal) if literal == text => {}
                Part::Named(name) if !text.is_empty() => named.push((name.as_str(), text)),
                Part::Literal(_) | Part::Named(_) | Part::Rest => return None,
            }
            rest = after;
        }
        rest.is_empty().then(|| (named, String::new()))
    }

    /// Orders the more specific route first: part by part, a literal before a name before `...`.
    fn compare(&self, other: &Route) -> Ordering {
        let rank = |part: Option<&Part>| match part {
            Some(Part::Literal(_)) => 0,
            Some(Part::Named(_)) => 1,
            None => 2,
            Some(Part::Rest) => 3,
        };
        (0..self.parts.len().max(other.parts.len()))
            .map(|index| rank(self.parts.get(index)).cmp(&rank(other.parts.get(index))))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// Whether the two match exactly the same paths.
    fn is_same_as(&self, other: &Route) -> bool {
        self.parts.len() == other.parts.len()
            && self.parts.iter().zip(&other.parts).all(|pair| match pair {
                (Part::Literal(one), Part::Literal(two)) => one == two,
                (Part::Named(_), Part::Named(_)) | (Part::Rest, Part::Rest) => true,
                (Part::Literal(_) | Part::Named(_) | Part::Rest, _) => false,
            })
    }
}

/// The parts of a path; one slash at its end means nothing, as on Spin.
fn split(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/').filter(move |_| !path.is_empty())
}

/// Spin keeps a slash at the end of the path.
fn path_info(rest: &str, has_slash: bool) -> String {
    match (rest, has_slash) {
        ("", false) => String::new(),
        ("", true) => "/".to_owned(),
        (rest, false) => format!("/{rest}"),
        (rest, true) => format!("/{rest}/"),
    }
}

/// All routes of an app, the most specific first.
#[derive(Debug)]
pub(crate) struct Router<T> {
    routes: Vec<(Route, T)>,
}

impl<T> Router<T> {
    /// Builds the table; two routes that match the same paths are refused.
    pub(crate) fn new(mut routes: Vec<(Route, T)>) -> Result<Router<T>> {
        routes.sort_by(|(one, _), (two, _)| one.compare(two));
        for (index, (one, _)) in routes.iter().enumerate() {
            if let Some((two, _)) = routes[index + 1..].iter().find(|(two, _)| one.is_same_as(two))
            {
                bail!("the routes `{}` and `{}` match the same paths", one.raw, two.raw);
            }
        }
        Ok(Router { routes })
    }

    /// Who answers for a path.
    pub(crate) fn find<'a>(&'a self, path: &'a str) -> Option<RouteMatch<'a, T>> {
        self.routes.iter().find_map(|(route, target)| {
            let (named, path_info) = route.matches(path)?;
            Some(RouteMatch { target, route: &route.raw, path_info, named })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router() -> Router<&'static str> {
        let routes = [
            "/...",
            "/",
            "/a/...",
            "/a/b",
            "/a/b/...",
            "/api/:id",
            "/api/:id/x",
            "/api/...",
            "/c/:one/d/:two/...",
            "/e/",
        ];
        Router::new(routes.map(|route| (Route::parse(route).unwrap(), route)).into()).unwrap()
    }

    #[track_caller]
    fn check(path: &str, route: &str, path_info: &str, named: &[(&str, &str)]) {
        let router = router();
        let found = router.find(path).expect("the router has `/...`");
        assert_eq!((found.route, found.path_info.as_str()), (route, path_info));
        assert_eq!(found.named, named);
    }

    #[test]
    fn exact_wins_then_the_longest_prefix() {
        check("/", "/", "", &[]);
        check("/x", "/...", "/x", &[]);
        check("/x/y/", "/...", "/x/y/", &[]);
        check("/a", "/a/...", "", &[]);
        check("/a/", "/a/...", "/", &[]);
        check("/a/x", "/a/...", "/x", &[]);
        check("/a/b", "/a/b", "", &[]);
        check("/a/b/", "/a/b", "", &[]);
        check("/a/b/c", "/a/b/...", "/c", &[]);
        check("/api", "/api/...", "", &[]);
        check("/api/7", "/api/:id", "", &[("id", "7")]);
        check("/api/7/x", "/api/:id/x", "", &[("id", "7")]);
        check("/api/7/y", "/api/...", "/7/y", &[]);
        check("/c/1/d/2/z", "/c/:one/d/:two/...", "/z", &[("one", "1"), ("two", "2")]);
        check("/e", "/e/", "", &[]);
        check("/ab", "/...", "/ab", &[]);
    }

    #[test]
    fn a_path_without_a_route_is_nobodys() {
        let router = Router::new(vec![(Route::parse("/a/:b").unwrap(), ())]).unwrap();
        for path in ["/", "/a", "/a/", "/a/b/c", "/b/a", "/a//"] {
            assert_eq!(router.find(path), None, "{path}");
        }
    }

    #[test]
    fn a_bad_route_is_refused_with_words() {
        for (route, words) in [
            ("a", "must start with `/`"),
            ("", "must start with `/`"),
            ("/a//b", "empty part"),
            ("/a/:", "without a name"),
            ("/.../a", "before its end"),
            ("/a...", "matches no path"),
            ("/a/*", "matches no path"),
            ("/.well-known/spin/health", "host's own"),
        ] {
            let error = Route::parse(route).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains(route), "{route}: {error}");
        }
        let twice = ["/a/:b", "/a/:c"].map(|route| (Route::parse(route).unwrap(), ()));
        let error = Router::new(twice.into()).unwrap_err().to_string();
        assert_eq!(error, "the routes `/a/:b` and `/a/:c` match the same paths");
    }
}
