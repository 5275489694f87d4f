//! What search engines read: `robots.txt` and `sitemap.xml`, with the pages that are for everybody.

use http::StatusCode;
use web::{Context, Problem, Response, respond};

use crate::help;

/// What begins with these is for people who are signed in, for programs, or a step of signing in.
const PRIVATE: [&str; 8] = [
    "/api/",
    "/dashboard",
    "/operator",
    "/login",
    "/signup",
    "/reset",
    "/email/confirm",
    "/mail-sent",
];

/// The pages for everybody, besides those of the help.
const PUBLIC: [&str; 8] = [
    "/",
    "/marketplace/compute",
    "/help",
    "/help/contact",
    "/docs/api",
    "/docs/limits",
    "/docs/sla",
    "/status",
];

#[expect(clippy::unnecessary_wraps, reason = "every handler has this signature")]
pub(crate) fn robots(cx: &Context<'_>) -> Result<Response, Problem> {
    let private: String = PRIVATE.iter().map(|path| format!("Disallow: {path}\n")).collect();
    let text = format!("User-agent: *\n{private}Sitemap: {}/sitemap.xml\n", cx.base_url());
    Ok(respond::answer(StatusCode::OK, "text/plain; charset=utf-8", text.into_bytes()))
}

#[expect(clippy::unnecessary_wraps, reason = "every handler has this signature")]
pub(crate) fn sitemap(cx: &Context<'_>) -> Result<Response, Problem> {
    let base = cx.base_url();
    let paths = PUBLIC.iter().map(|path| (*path).to_owned()).chain(help::paths());
    // No path or address has a character that XML would have to escape.
    let urls: String = paths.map(|path| format!("<url><loc>{base}{path}</loc></url>\n")).collect();
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n{urls}</urlset>\n"
    );
    Ok(respond::answer(StatusCode::OK, "application/xml; charset=utf-8", text.into_bytes()))
}
