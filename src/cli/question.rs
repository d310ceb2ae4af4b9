//! What `quarterdeck get` is asked for, and its answer in every form: tables for people, one document, or rows.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::args::{FailOn, Listing, Matching, Output, Watching, What};
use super::get::{self, CELL, ROW, SOURCE};
use super::{Failure, output};
use crate::ops::json::row_json;
use crate::ops::{FlowWindow, FlowsQuery, Ops, Overview, Page, SortBy};
use crate::query::Filter;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Board,
    Flows,
    Sources,
}

/// A question that can be asked again and again.
pub(super) struct Question {
    subject: Subject,
    filter: Filter,
    limit: usize,
    sort: SortBy,
    pub(super) format: Output,
    pub(super) fail_on: Option<FailOn>,
    /// How often it is to be asked; once where it is `None`.
    pub(super) watch: Option<Duration>,
    /// As it was typed, for a title.
    pub(super) words: String,
}

/// What was seen at one look.
pub(super) struct Seen {
    pub(super) overview: Arc<Overview>,
    pub(super) window: Option<FlowWindow>,
}

impl Question {
    /// The question that the words of the command line are; `None` where they ask for one instance.
    pub(super) fn read(what: &What) -> Result<Option<Self>, Failure> {
        let of = |subject, matching: &Matching, limit| {
            let filter = get::read_filter(&matching.filter)?;
            let name = if subject == Subject::Board { "board" } else { "flows" };
            let words =
                [&["quarterdeck get", name][..], &matching.filter.iter().map(|word| &**word).collect::<Vec<_>>()];
            Ok(Some(Self {
                subject,
                filter,
                limit,
                sort: SortBy::Worst,
                format: matching.format.output,
                fail_on: matching.fail_on,
                watch: matching.watching.every(),
                words: words.concat().join(" "),
            }))
        };
        match what {
            What::Board(matching) => of(Subject::Board, matching, 0),
            What::Flows(Listing { matching, limit, all, sort, .. }) => {
                // Of a part, nobody could say what has come and gone.
                let every = *all || matching.watching.watch.is_some() && matching.format.output == Output::Ndjson;
                let question = of(Subject::Flows, matching, if every { usize::MAX } else { *limit })?;
                Ok(question.map(|question| Self { sort: sort.unwrap_or_default(), ..question }))
            }
            What::Sources(sources) => Ok(Some(Self {
                subject: Subject::Sources,
                filter: Filter::default(),
                limit: 0,
                sort: SortBy::Worst,
                format: sources.format.output,
                fail_on: None,
                watch: sources.watching.every(),
                words: "quarterdeck get sources".to_owned(),
            })),
            What::Flow(_)
            | What::Remediations(_)
            | What::Remediation(_)
            | What::Runbooks(_)
            | What::SideEffects(_)
            | What::Outside(_)
            | What::Drift(_)
            | What::Suspects(_)
            | What::Latency(_)
            | What::Tenants(_)
            | What::Tenant(_)
            | What::Timeline(_)
            | What::Events(_)
            | What::Borrowed(_)
            | What::Automations(_) => Ok(None),
        }
    }

    /// Looks once at what is known.
    pub(super) async fn look(&self, ops: &dyn Ops) -> Result<Seen, Failure> {
        let overview = ops.overview(&self.filter).await.map_err(get::unexpected)?;
        let window = match self.subject {
            Subject::Board | Subject::Sources => None,
            Subject::Flows => {
                let (filter, limit) = (self.filter.clone(), self.limit);
                let query =
                    FlowsQuery { filter, sort: self.sort, reverse: false, group: None, page: Page::Offset(0), limit };
                Some(ops.flows(query).await.map_err(get::unexpected)?)
            }
        };
        Ok(Seen { overview, window })
    }

    /// The columns of CSV, and the rows.
    pub(super) fn rows(&self, seen: &Seen) -> (&'static str, Vec<Value>) {
        let overview = &*seen.overview;
        match self.subject {
            Subject::Board => (CELL, overview.cells.iter().map(get::cell_json).collect()),
            Subject::Sources => {
                (SOURCE, overview.sources.iter().map(|source| get::source_json(source, overview)).collect())
            }
            Subject::Flows => {
                let rows = seen.window.iter().flat_map(|window| &window.rows);
                (ROW, rows.map(|row| row_json(row)).collect())
            }
        }
    }

    /// Everything as one document.
    pub(super) fn document(&self, seen: &Seen) -> Value {
        let overview = &*seen.overview;
        match self.subject {
            Subject::Board => get::board_json(overview),
            Subject::Sources => {
                json!({"schema": "quarterdeck.sources/1", "at": overview.at, "rows": self.rows(seen).1})
            }
            Subject::Flows => {
                let total = seen.window.as_ref().map_or(0, |window| window.total);
                json!({"schema": "quarterdeck.flows/1", "at": overview.at, "total": total, "rows": self.rows(seen).1})
            }
        }
    }

    /// Everything for people.
    pub(super) fn tables(&self, out: &mut dyn io::Write, seen: &Seen) -> io::Result<()> {
        let overview = &*seen.overview;
        match self.subject {
            Subject::Board => {
                if overview.cohorts.is_empty() {
                    writeln!(out, "nothing is known to be stuck")?;
                } else {
                    output::table(out, &get::cohorts_table(overview))?;
                }
                writeln!(out)?;
                output::table(out, &get::cells_table(&overview.cells))?;
                writeln!(out)?;
                output::table(out, &get::sources_table(overview))
            }
            Subject::Sources => output::table(out, &get::sources_table(overview)),
            Subject::Flows => {
                let rows = seen.window.as_ref().map_or(&[][..], |window| &window.rows);
                output::table(out, &get::flows_table(rows, overview))
            }
        }
    }

    /// Prints what one look has seen.
    pub(super) fn print(&self, seen: &Seen) -> Result<(), Failure> {
        output::print(|out| match self.format {
            Output::Json => output::json(out, &self.document(seen)),
            Output::Ndjson => output::ndjson(out, &self.rows(seen).1),
            Output::Csv => {
                let (columns, rows) = self.rows(seen);
                output::csv(out, columns, &rows)
            }
            Output::Table => self.tables(out, seen),
        })
    }

    /// What a row is known by from one look to the next.
    pub(super) fn key(&self, row: &Value) -> String {
        let names: &[&str] = match self.subject {
            Subject::Board => &["source", "flow", "step"],
            Subject::Flows => &["id"],
            Subject::Sources => &["name"],
        };
        names.iter().filter_map(|name| row[*name].as_str()).collect::<Vec<_>>().join("\n")
    }
}

impl Watching {
    /// How often, where it is to be watched.
    fn every(&self) -> Option<Duration> {
        self.watch.map(|every| Duration::try_from(every).unwrap_or_default())
    }
}
