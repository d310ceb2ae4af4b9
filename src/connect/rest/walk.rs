//! From page to page of a request, until there is none; with bounds for those that never end.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::Url;

use super::answer::{self, Lost};
use super::yielded::{Job, Wish, Yielded, on_a_large_stack};
use super::{Rest, shape};
use crate::config::{Paging, RestRequest};
use crate::connect::ConnectError;
use crate::connect::http::{Answer, Ask, Tag};
use crate::domain::ways::encoded;

/// The most items of one request in one pass.
const ITEMS: usize = 1_000_000;

/// A walk over the pages of a request.
pub(super) struct Walk<'r> {
    rest: &'r Rest,
    request: Arc<RestRequest>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    /// The page that comes next.
    next: Option<Url>,
    /// What the first page has answered already.
    first: Option<Answer<Vec<u8>>>,
    read: HashSet<Url>,
    wish: Wish,
    /// How long its programs may run yet.
    left: Duration,
    /// What was read so far.
    pub(super) pages: u32,
    pub(super) items: usize,
    pub(super) bytes: usize,
    pub(super) status: u16,
    /// Whether the first page has nothing, not even null, where the word for the next one is looked for.
    pub(super) nothing_next: bool,
    /// What the server has called each page; none where it does not call one of them anything.
    pub(super) tags: Option<Vec<(Url, Tag)>>,
    /// The server's clock.
    pub(super) now: Option<Timestamp>,
}

impl<'r> Walk<'r> {
    /// Of a request, from its first page on. `since` is for what asks only for what happened after it.
    pub(super) fn new(
        rest: &'r Rest,
        request: &Arc<RestRequest>,
        since: Timestamp,
        wish: Wish,
    ) -> Result<Self, ConnectError> {
        let url = first_page(rest, request, since)?;
        Ok(Self::at(rest, request, url, request.body.as_ref().map(|body| since_in(body, since, |text| text)), wish))
    }

    /// Of one address that is read with the programs of a request.
    pub(super) fn at(rest: &'r Rest, request: &Arc<RestRequest>, url: Url, body: Option<String>, wish: Wish) -> Self {
        Self {
            rest,
            request: request.clone(),
            headers: rest.headers(request),
            body: if request.post { body.or_else(|| Some("{}".to_owned())) } else { None },
            next: Some(url),
            first: None,
            read: HashSet::new(),
            wish,
            left: super::RUN,
            pages: 0,
            items: 0,
            bytes: 0,
            status: 0,
            nothing_next: false,
            tags: Some(Vec::new()),
            now: None,
        }
    }

    /// The same, where the first page has answered already.
    pub(super) fn from(mut self, first: Answer<Vec<u8>>) -> Self {
        self.first = Some(first);
        self
    }

    /// The next page, run through the programs; `None` where there is none.
    pub(super) async fn next(&mut self) -> Result<Option<Yielded>, ConnectError> {
        let Some(url) = self.next.take() else { return Ok(None) };
        let request = self.request.clone();
        let name = &request.name;
        if self.pages >= request.most_pages {
            let why = format!("{name}: there are more than {} pages (most_pages)", request.most_pages);
            return Err(ConnectError::BadAnswer(why.into()));
        }
        if !self.read.insert(url.clone()) {
            let why =
                format!("{name}: page {} leads back to one that was read already: it would never end", self.pages);
            return Err(ConnectError::BadAnswer(why.into()));
        }
        let answer = match self.first.take() {
            Some(first) => first,
            None => self.page(&url).await?,
        };
        self.pages += 1;
        self.bytes += answer.value.len();
        self.status = answer.status;
        self.now = self.now.max(answer.date);
        match (&answer.tag, &mut self.tags) {
            (Some(tag), Some(tags)) => tags.push((url.clone(), tag.clone())),
            (None, tags) => *tags = None,
            (Some(_), None) => {}
        }
        let lost = |lost| self.rest.lost(name, url.path(), &answer.value, lost);
        if let (Paging::Cursor { from, .. } | Paging::Next(from), 1, true) =
            (&request.paging, self.pages, self.wish.trial)
        {
            self.nothing_next = !answer::stands(&answer.value, from);
        }
        let word = match &request.paging {
            Paging::Cursor { from, .. } | Paging::Next(from) => answer::word(&answer.value, from).map_err(lost)?,
            Paging::Link => answer.next.clone(),
            Paging::None | Paging::Offset { .. } | Paging::Page { .. } => None,
        };
        let teller = self.rest.teller(answer.date);
        let began = Instant::now();
        let (wish, until) = (self.wish, began + self.left);
        let page = self.pages;
        let alone = Default::default();
        let job = Job { request: request.clone(), body: answer.value, teller, wish, until, page, alone };
        let outcome = on_a_large_stack(move || job.run().map_err(|lost| Box::new((lost, job.body)))).await;
        self.left = self.left.saturating_sub(began.elapsed());
        let yielded = match outcome {
            Some(Ok(yielded)) => yielded,
            Some(Err(failed)) => {
                let (lost, body) = *failed;
                return Err(self.rest.lost(name, url.path(), &body, lost));
            }
            None => return Err(ConnectError::BadAnswer(format!("{name}: its programs can't be run").into())),
        };
        if yielded.late {
            let why = format!("{name}: its programs did not come to an end in {} s", super::RUN.as_secs());
            return Err(ConnectError::BadAnswer(why.into()));
        }
        self.items += yielded.items;
        if self.items > ITEMS {
            return Err(ConnectError::BadAnswer(format!("{name}: more than {ITEMS} items").into()));
        }
        self.next = self.following(&url, word.as_deref(), yielded.items)?;
        Ok(Some(yielded))
    }

    async fn page(&self, url: &Url) -> Result<Answer<Vec<u8>>, ConnectError> {
        let ask = Ask { url, headers: &self.headers, body: self.body.as_deref(), known: None };
        let answer = match self.rest.http.ask(ask).await {
            // A token may end between two pages; where it can be read again, it is before the next question.
            Err(ConnectError::Refused(why)) if self.pages > 0 && why.contains("(401)") => self.rest.http.ask(ask).await,
            other => other,
        };
        let answer = answer.map_err(|error| named(&self.request.name, error))?;
        answer.ok_or_else(|| ConnectError::BadAnswer(format!("{}: no answer", self.request.name).into()))
    }

    /// The page behind one with so many items.
    fn following(&self, url: &Url, word: Option<&str>, items: usize) -> Result<Option<Url>, ConnectError> {
        Ok(match &self.request.paging {
            Paging::None => None,
            // A server may give fewer than it was asked for: only a page without any is the end.
            Paging::Offset { .. } | Paging::Page { .. } if items == 0 => None,
            Paging::Offset { offset, .. } => Some(with(url, offset, &self.items.to_string())),
            Paging::Page { page, first, .. } => {
                Some(with(url, page, &(u64::from(*first) + u64::from(self.pages)).to_string()))
            }
            Paging::Cursor { cursor, .. } => word.map(|word| with(url, cursor, word)),
            Paging::Next(_) | Paging::Link => match word {
                Some(word) => Some(self.rest.http.behind(url, word)?),
                None => None,
            },
        })
    }
}

/// The first page of a request.
pub(super) fn first_page(rest: &Rest, request: &RestRequest, since: Timestamp) -> Result<Url, ConnectError> {
    let path = since_in(&request.path, since, |text| encoded(&text).unwrap_or_default());
    let mut url = rest.http.at(&path)?;
    let size = match &request.paging {
        Paging::Offset { offset, size } => {
            url = with(&url, offset, "0");
            size
        }
        Paging::Page { page, first, size } => {
            url = with(&url, page, &first.to_string());
            size
        }
        Paging::Cursor { size, .. } => size,
        Paging::None | Paging::Next(_) | Paging::Link => &None,
    };
    Ok(match size {
        Some((parameter, size)) => with(&url, parameter, &size.to_string()),
        None => url,
    })
}

/// A text with the moment filled in.
fn since_in(text: &str, since: Timestamp, written: impl Fn(String) -> String) -> String {
    text.replace("{since_unix}", &since.as_second().to_string()).replace("{since}", &written(since.to_string()))
}

/// An address with one parameter of its query set. What else is in the query stays as it was written.
fn with(url: &Url, name: &str, value: &str) -> Url {
    let mut url = url.clone();
    let value = encoded(value).unwrap_or_else(|| value.to_owned());
    let others = url.query().unwrap_or_default().split('&');
    let others = others.filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(name));
    let query = others.map(str::to_owned).chain([format!("{name}={value}")]).collect::<Vec<_>>().join("&");
    url.set_query(Some(&query));
    url
}

/// An error with the name of the request that met it.
pub(super) fn named(name: &str, error: ConnectError) -> ConnectError {
    let with = |text: crate::domain::text::SafeText| format!("{name}: {text}").into();
    match error {
        ConnectError::Unreachable(text) => ConnectError::Unreachable(with(text)),
        ConnectError::BadAnswer(text) => ConnectError::BadAnswer(with(text)),
        ConnectError::Refused(text) => ConnectError::Refused(with(text)),
        ConnectError::NotFound(text) => ConnectError::NotFound(with(text)),
        ConnectError::Busy { text, wait } => ConnectError::Busy { text: with(text), wait },
        ConnectError::Ended => ConnectError::Ended,
    }
}

impl Rest {
    /// What is told where an answer does not lead to its items.
    pub(super) fn lost(&self, name: &str, path: &str, body: &[u8], lost: Lost) -> ConnectError {
        match lost {
            Lost::Missing(why) => ConnectError::BadAnswer(format!("{name}: {why}").into()),
            // Read once more for the words that go with it.
            Lost::Json(error) => match self.http.parse::<serde::de::IgnoredAny>(path, body) {
                Err(words) if !body.is_empty() => named(name, words),
                _ => ConnectError::BadAnswer(format!("{name}: {}", self.http.reason(&error)).into()),
            },
        }
    }

    /// Who tells, at a moment by the server's clock.
    pub(super) fn teller(&self, date: Option<Timestamp>) -> shape::Teller {
        shape::Teller {
            source: self.source.clone(),
            now: date.unwrap_or_else(Timestamp::now),
            redactor: self.redactor.clone(),
            check_interval: self.check_interval,
        }
    }
}
