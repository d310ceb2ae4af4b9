//! One pass over a server: what it asks, in which order, and what of it need not be asked again.
//!
//! The server (1.7.12) never says whether an answer would be another one. What stands before it may: where an answer has
//! an `ETag`, the same question is asked on that condition in the next pass, and what has not changed is neither sent
//! nor read, nor judged beyond what time changes. Only pages that leave no doubt about whom they tell of are asked so:
//! every row a good one, and their ids in order, so that what lies between two ids is as before.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::Restate;
use super::lately::Lately;
use super::row::CountRow;
use super::sql::{self, Scope};
use crate::connect::http::{Answer, Tag};
use crate::connect::{ConnectError, Observation, hand_on};
/// How far back failures count.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);

/// How many instances go into one observation.
const CHUNK: usize = 1_000;

/// What a pass has seen that can be asked for on a condition.
#[derive(Debug, Default)]
pub(super) struct Seen {
    counts: Option<Tag>,
    pages: Vec<SeenPage>,
}

/// A page of instances.
#[derive(Debug, Clone)]
struct SeenPage {
    /// The id after which it begins.
    after: String,
    tag: Tag,
    /// The id after which the next one begins, where there is one.
    next: Option<String>,
}

impl Seen {
    fn page(&self, after: &str) -> Option<&SeenPage> {
        // They are in the order of their ids.
        let at = self.pages.binary_search_by(|page| page.after.as_str().cmp(after)).ok()?;
        self.pages.get(at)
    }
}

impl Restate {
    /// Asks for everything, apart from what is as it was when a pass saw this.
    pub(super) async fn pass(&self, known: &Seen, sink: &mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        let version = self.version().await?;
        let now = self.now().await?;
        let mut seen = Seen::default();
        match self.ask_unless(body(&sql::counts(LOOK_BACK)), known.counts.as_ref()).await? {
            None => {
                seen.counts.clone_from(&known.counts);
                hand_on(sink, [Observation::CountsAsBefore]).await?;
            }
            Some(answer) => {
                let counts: Vec<CountRow> = self.all_of(self.parsed(&answer.value)?)?;
                hand_on(sink, [Observation::Counts(counts.into_iter().map(Into::into).collect())]).await?;
                seen.counts = answer.tag;
            }
        }
        self.rows(known, now, sink, &mut seen).await?;
        if seen.counts.is_some() || !seen.pages.is_empty() {
            hand_on(sink, [Observation::Mark(Arc::new(seen))]).await?;
        }
        hand_on(sink, [Observation::End { complete: true, engine_now: Some(now), version: Some(version) }]).await
    }

    /// Asks for the instances, page by page.
    async fn rows(
        &self,
        known: &Seen,
        now: Timestamp,
        sink: &mpsc::Sender<Observation>,
        seen: &mut Seen,
    ) -> Result<(), ConnectError> {
        // Not made before there is a page that was sent.
        let mut lately = None;
        let question = Question::new();
        let mut after = String::new();
        // Where the pages begin that are as before, up to the present one.
        let mut same_from: Option<String> = None;
        loop {
            let page = known.page(&after);
            let answer = self.ask_unless(question.after(&after), page.map(|page| &page.tag)).await?;
            let next = match (answer, page) {
                (None, Some(page)) => {
                    seen.pages.push(page.clone());
                    same_from.get_or_insert_with(|| after.clone());
                    page.next.clone()
                }
                (answer, _) => {
                    if let Some(from) = same_from.take() {
                        hand_on(sink, [Observation::FlowsAsBefore { after: from, until: Some(after.clone()) }]).await?;
                    }
                    let answer = answer.ok_or_else(|| ConnectError::BadAnswer("a page did not come".into()))?;
                    let lately = lately.get_or_insert_with(Lately::new);
                    self.page(&answer, &after, now, sink, lately, seen).await?
                }
            };
            match next {
                Some(next) => after = next,
                None => break,
            }
        }
        match same_from {
            Some(after) => hand_on(sink, [Observation::FlowsAsBefore { after, until: None }]).await,
            None => Ok(()),
        }
    }

    /// Tells of the instances of a page. Returns where the next one begins, where there is one.
    async fn page(
        &self,
        answer: &Answer<Vec<u8>>,
        after: &str,
        now: Timestamp,
        sink: &mpsc::Sender<Observation>,
        lately: &mut Lately,
        seen: &mut Seen,
    ) -> Result<Option<String>, ConnectError> {
        let mut parts = self.parts(&answer.value, now, lately);
        loop {
            let part = parts.next(CHUNK)?;
            let ended = part.len() < CHUNK;
            hand_on(sink, [Observation::Flows(part)]).await?;
            if ended {
                break;
            }
        }
        let page = parts.end();
        let full = page.read + page.bad >= sql::PAGE;
        if let Some(first) = page.first_bad {
            hand_on(sink, [Observation::BadRows { count: page.bad, first }]).await?;
        }
        let next = match page.last {
            // The key must move on, or the next page would be this one again.
            Some(last) if full && last.as_str() > after => Some(last),
            _ if full => {
                return Err(ConnectError::BadAnswer("a page of rows does not say where the next one begins".into()));
            }
            _ => None,
        };
        if let Some(tag) = answer.tag.clone().filter(|_| page.ordered && page.first.is_none_or(|first| *first > *after))
        {
            seen.pages.push(SeenPage { after: after.to_owned(), tag, next: next.clone() });
        }
        Ok(next)
    }

    /// Asks a question, on the condition that the answer is not the one that has this name. `None` where it is.
    async fn ask_unless(&self, question: String, known: Option<&Tag>) -> Result<Option<Answer<Vec<u8>>>, ConnectError> {
        self.http.post_text_unless("/query", question, known).await
    }
}

/// A query as it is sent.
fn body(sql: &str) -> String {
    serde_json::json!({ "query": sql }).to_string()
}

/// The question for a page, which is the same for all pages but for one id: written once a pass.
struct Question {
    before: String,
    behind: String,
}

impl Question {
    fn new() -> Self {
        const HOLE: &str = "@@";
        let body = body(&sql::instances(&Scope::Page { look_back: LOOK_BACK, after: HOLE }));
        let (before, behind) = body.split_once(HOLE).unwrap_or((&body, ""));
        Self { before: before.to_owned(), behind: behind.to_owned() }
    }

    /// For the page that begins after an id, which is empty or was checked by [`sql::is_id`].
    fn after(&self, id: &str) -> String {
        [&self.before, id, &self.behind].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_what_is_asked_for_that_page() {
        for after in ["", "inv_1b3wINGK1Khz7navo4sCbtJqVcBELgPtrL"] {
            let plain = body(&sql::instances(&Scope::Page { look_back: LOOK_BACK, after }));
            assert_eq!(Question::new().after(after), plain);
        }
    }
}
