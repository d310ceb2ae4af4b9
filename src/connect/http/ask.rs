//! Questions whose addresses and headers somebody has written down: pages that follow one another, each on the condition
//! that it would not be as it was before.
//!
//! Wherever an answer says that the next page is, it is asked for at this server and no other, since the credentials go
//! with it.

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, IF_NONE_MATCH, LINK};

use super::{Answer, Client, ConnectError, JSON, Method, Tag, Wants, words};

/// The longest address of a next page, in bytes.
const LONGEST: usize = 8 * 1024;

/// A question.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Where, with its query: made by [`Client::at`] or [`Client::behind`].
    pub url: &'a Url,
    /// Headers besides the usual ones; names and values that were found to be some.
    pub headers: &'a [(String, String)],
    /// JSON that is sent by `POST`; without it it is a `GET`.
    pub body: Option<&'a str>,
    /// What the server has called its answer before: it is asked for another one alone.
    pub known: Option<&'a Tag>,
}

impl Client {
    /// The address of a path, which begins with a slash and is encoded.
    pub fn at(&self, path: &str) -> Result<Url, ConnectError> {
        let joined = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let no_path = || ConnectError::BadAnswer(self.safe(&format!("{}: not a path to ask at", words::shown(path))));
        Url::parse(&joined).ok().filter(|url| path.starts_with('/') && self.is_here(url)).ok_or_else(no_path)
    }

    /// The address that an answer from `from` names, whole or in part. It has to be at the same server.
    pub fn behind(&self, from: &Url, named: &str) -> Result<Url, ConnectError> {
        let at = words::shown(from.path());
        let wrong = |why: String| ConnectError::BadAnswer(self.safe(&format!("{at}: {why}")));
        if named.len() > LONGEST {
            return Err(wrong("the address of the next page is too long".to_owned()));
        }
        let mut url = from.join(named).map_err(|_| wrong("the address of the next page can't be read".to_owned()))?;
        url.set_fragment(None);
        if self.is_here(&url) {
            return Ok(url);
        }
        let elsewhere = self.clip(&url.origin().ascii_serialization());
        Err(wrong(format!("the next page is at another server, which is not asked: {elsewhere}")))
    }

    /// Whether an address is at this server, without credentials in it.
    fn is_here(&self, url: &Url) -> bool {
        url.origin() == self.base.origin() && url.username().is_empty() && url.password().is_none()
    }

    /// Asks, and hands over the answer as it came. `None` where it is the one that is known.
    pub async fn ask(&self, ask: Ask<'_>) -> Result<Option<Answer<Vec<u8>>>, ConnectError> {
        let path = ask.url.path();
        self.ready(path).await?;
        let method = if ask.body.is_some() { Method::POST } else { Method::GET };
        let mut request = self.reads.request(method, ask.url.clone());
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        if let Some((name, header)) = self.keyring.header() {
            request = request.header(name, header);
        }
        if let Some(body) = ask.body {
            request = request.header(CONTENT_TYPE, JSON).body(body.to_owned());
        }
        if let Some(known) = ask.known {
            request = request.header(IF_NONE_MATCH, known.0.clone());
        }
        let wants = Wants { conditional: ask.known.is_some(), part: true };
        self.read_unless(path, request, self.body_cap, wants).await
    }
}

/// Where the next page is, as `Link` says (RFC 8288): `<https://host/a?page=2>; rel="next"`.
pub(super) fn next(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(LINK).into_iter().filter_map(|link| link.to_str().ok());
    links.flat_map(targets).find(|(_, parameters)| is_next(parameters)).map(|(target, _)| target.to_owned())
}

/// Each target of a header with its parameters. What stands between `<` and `>` may hold a comma.
fn targets(header: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = header;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let (mut quoted, mut end) = (false, after.len());
        for (at, c) in after.char_indices() {
            quoted ^= c == '"';
            if c == ',' && !quoted {
                end = at;
                break;
            }
        }
        let (parameters, left) = after.split_at(end);
        rest = left;
        Some((target, parameters))
    })
}

fn is_next(parameters: &str) -> bool {
    let mut quoted = false;
    let apart = move |c: char| {
        quoted ^= c == '"';
        c == ';' && !quoted
    };
    parameters.split(apart).any(|parameter| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
            name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
        })
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn the_next_page_is_found_among_links() {
        let next = |link: &str| {
            let mut headers = HeaderMap::new();
            headers.append(LINK, HeaderValue::from_static("<https://h/x>; rel=\"first\""));
            headers.append(LINK, HeaderValue::from_str(link).unwrap());
            next(&headers)
        };
        for (link, found) in [
            ("<https://h/a?page=2>; rel=\"next\"", Some("https://h/a?page=2")),
            ("<a?ids=1,2>; title=\"a, b; rel=next\"; rel=last, </b>; REL=next", Some("/b")),
            ("<?page=3>;rel=\"prev next\"", Some("?page=3")),
            ("<https://h/a>; rel=\"nextish\"", None),
            ("https://h/a; rel=next", None),
            ("<https://h/a", None),
            ("", None),
        ] {
            assert_eq!(next(link).as_deref(), found, "{link}");
        }
    }

    #[test]
    fn no_page_is_asked_for_at_another_server() {
        let client = Client::new("https://api.example/v1", Duration::from_secs(1), None).unwrap();
        let from = client.at("/items?page=1").unwrap();
        assert_eq!(from.as_str(), "https://api.example/v1/items?page=1");
        for (named, url) in [
            ("?page=2", "https://api.example/v1/items?page=2"),
            ("/v1/items?page=2#here", "https://api.example/v1/items?page=2"),
            ("https://api.example/v2/items", "https://api.example/v2/items"),
        ] {
            assert_eq!(client.behind(&from, named).unwrap().as_str(), url);
        }
        for named in [
            "http://api.example/v1/items",
            "https://api.example:444/",
            "//evil.example/x",
            "https://u:p@api.example/",
            "file:///etc/passwd",
            "https://[",
            &"x".repeat(LONGEST + 1),
        ] {
            client.behind(&from, named).unwrap_err();
        }
        for path in ["items", "@evil.example/x", ""] {
            client.at(path).unwrap_err();
        }
    }
}
