//! One look at an API with all that there is to know of it: for whoever writes its config, and for the doctor.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Rest;
use super::walk::Walk;
use super::yielded::{Count, Failure, Wish};
use crate::config::{Paging, RestRequest, Yields};
use crate::connect::{Checkup, ConnectError};
use crate::domain::text::SafeText;

/// How many failures of a request are told.
const FAILURES: usize = 10;

/// What a program came to.
#[derive(Debug, Clone)]
pub struct Told {
    /// What it yields.
    pub yields: Yields,
    /// How much.
    pub count: Count,
}

/// What a request came to.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Its name.
    pub name: SafeText,
    /// Its method and its path, without the query.
    pub asked: SafeText,
    /// The status of the last page that came.
    pub status: u16,
    /// Pages that came.
    pub pages: u32,
    /// Items in them.
    pub items: usize,
    /// Bytes of them, after decompression.
    pub bytes: usize,
    /// From the first question to the last item.
    pub took: Duration,
    /// What each program came to.
    pub told: Vec<Told>,
    /// Items on which a program failed, and outputs that could not be read: the first of them.
    pub failures: Vec<Failure>,
    /// Why there are no more pages, where that is no good end.
    pub error: Option<SafeText>,
    /// What may be a slip, and need not be one.
    pub note: Option<SafeText>,
    /// The server's clock.
    pub now: Option<Timestamp>,
}

/// A path without its query.
fn bare(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

/// What went wrong, without the request's name before it.
fn own(error: &ConnectError, request: &str) -> SafeText {
    let error = error.to_string();
    SafeText::new(error.strip_prefix(&format!("{request}: ")).unwrap_or(&error))
}

impl Trial {
    /// One of which nothing has come yet.
    fn of(name: &str, asked: &str) -> Self {
        Self {
            name: SafeText::new(name),
            asked: asked.into(),
            status: 0,
            pages: 0,
            items: 0,
            bytes: 0,
            took: Duration::ZERO,
            told: Vec::new(),
            failures: Vec::new(),
            error: None,
            note: None,
            now: None,
        }
    }

    /// Whether anything went wrong.
    pub fn failed(&self) -> bool {
        self.error.is_some() || self.told.iter().any(|told| told.count.bad > 0)
    }
}

impl Rest {
    /// Asks each request for all of its pages and runs its programs; of what they give, the first `samples` are kept. Where a
    /// request says how one instance is read, the first one that it told is read so, too.
    pub async fn try_out(&self, samples: usize) -> Vec<Trial> {
        let mut trials = Vec::new();
        for (at, request) in self.requests.iter().enumerate() {
            let (trial, first) = self.try_request(at, request, samples).await;
            trials.push(trial);
            if let (Some(one), Some(id)) = (&request.one, first) {
                trials.push(self.try_one(request, one, id).await);
            }
        }
        trials
    }

    /// What a request comes to, and the first instance that it tells.
    async fn try_request(&self, at: usize, request: &Arc<RestRequest>, samples: usize) -> (Trial, Option<SafeText>) {
        let began = Instant::now();
        let method = if request.post { "POST" } else { "GET" };
        let mut trial = Trial::of(&request.name, &format!("{method} {}", bare(&request.path)));
        let mut counts: [Count; 4] = Default::default();
        let (mut first, mut nothing_next) = (None, false);
        let wish = Wish { samples, trial: true, ..Wish::default() };
        match Walk::new(self, request, self.since(at, None), wish) {
            Err(error) => trial.error = Some(SafeText::new(&error.to_string())),
            Ok(mut walk) => loop {
                let page = walk.next().await;
                (trial.status, trial.pages, trial.bytes) = (walk.status, walk.pages, walk.bytes);
                (trial.items, trial.now, nothing_next) = (walk.items, walk.now, walk.nothing_next);
                match page {
                    Ok(None) => break,
                    Err(error) => {
                        trial.error = Some(own(&error, &request.name));
                        break;
                    }
                    Ok(Some(page)) => {
                        first = first.or_else(|| page.flows.first().map(|flow| flow.id.instance.clone()));
                        for (all, mut one) in counts.iter_mut().zip(page.counts) {
                            all.good += one.good;
                            all.bad += one.bad;
                            all.passed_over += one.passed_over;
                            let room = samples.saturating_sub(all.samples.len());
                            all.samples.extend(one.samples.drain(..).take(room));
                        }
                        for failure in page.failures {
                            let known = trial.failures.iter().any(|known| known.is_like(&failure));
                            if !known && trial.failures.len() < FAILURES {
                                trial.failures.push(failure);
                            }
                        }
                    }
                }
            },
        }
        if let (1, Paging::Cursor { from, .. } | Paging::Next(from)) = (trial.pages, &request.paging)
            && nothing_next
        {
            let note =
                format!("there is no {from} in the answer, so that this counts as its only page; is it spelled so?");
            trial.note = Some(note.into());
        }
        let told = counts.into_iter().zip(Yields::ALL).filter(|(_, yields)| request.program(*yields).is_some());
        trial.told = told.map(|(count, yields)| Told { yields, count }).collect();
        trial.took = began.elapsed();
        (trial, first)
    }

    /// What comes of reading an instance alone that the request has told.
    async fn try_one(&self, request: &Arc<RestRequest>, one: &str, id: SafeText) -> Trial {
        let began = Instant::now();
        let mut trial = Trial::of(&format!("{} one", request.name), &format!("GET {} for {id}", bare(one)));
        let mut count = Count::default();
        match self.look(std::slice::from_ref(&id)).await.map(|mut found| found.pop().flatten()) {
            Ok(Some(_)) => (trial.items, count.good) = (1, 1),
            Ok(None) => trial.error = Some("it tells nothing of this instance, which then counts as gone".into()),
            Err(error) => trial.error = Some(own(&error, &request.name)),
        }
        trial.told = vec![Told { yields: Yields::Flows, count }];
        trial.took = began.elapsed();
        trial
    }

    /// For the doctor: what each request comes to.
    pub(super) async fn examined(&self) -> Result<Checkup, ConnectError> {
        // Whether it can be reached at all is told by itself.
        super::Connector::check(self).await?;
        let trials = self.try_out(0).await;
        let engine_now = trials.iter().filter_map(|trial| trial.now).max();
        let reads = trials.into_iter().map(|trial| {
            let yielded = trial.told.iter().map(|told| format!("{} {}", told.count.good, told.yields.name()));
            let yielded = yielded.collect::<Vec<_>>().join(", ");
            let bad: usize = trial.told.iter().map(|told| told.count.bad).sum();
            let what = match &trial.error {
                None => format!("{}: {} items, {yielded}", trial.name, trial.items),
                Some(_) => trial.name.to_string(),
            };
            let failure = trial.failures.first().map(|first| format!("{bad} failed, the first at {}", first.words()));
            (what.into(), trial.error.or_else(|| failure.map(|failure| SafeText::clipped(&failure, 400))))
        });
        Ok(Checkup { engine_now, reads: reads.collect(), ..Checkup::default() })
    }
}
