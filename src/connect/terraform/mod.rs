//! Terraform's plans as drift: `terraform show -json PLAN`, from a file, from every `*.json` of a folder, or from a URL.
//!
//! It reads what others have planned and carries nothing out: adopting and reconciling are runbooks. Each file is an
//! environment of its own, named by the file. A check is as old as the plan says that it is; without that, as the file.
//! Files are read again once their length or their time of change is another one.

mod plan;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use self::plan::{Made, Plan};
use super::http::Client;
use super::{Checkup, ConnectError, Connector, Mark, Observation, Tells, found, hand_on};
use crate::config::Transport;
use crate::domain::drift::DriftFinding;
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;

/// The longest plan that is read, in bytes.
const LONGEST: u64 = 64 * 1024 * 1024;

/// The most files of a folder that are read.
const FILES: usize = 1_000;

/// Where plans are.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file, or a folder of them.
    Path(PathBuf),
    /// A server, and the path at which it answers with one.
    Url(Box<Client>, String),
}

impl Place {
    /// The place of a URL: `http://host/folder/plan.json`.
    ///
    /// # Errors
    /// Where it can't be asked.
    pub fn url(url: &str, timeout: Duration, transport: Transport) -> Result<Self, ConnectError> {
        let (folder, name) = match url.rsplit_once('/') {
            Some((folder, name)) if !folder.ends_with('/') && !folder.ends_with(':') => (folder, name),
            _ => (url, ""),
        };
        let cap = usize::try_from(LONGEST).unwrap_or(usize::MAX);
        Ok(Self::Url(Box::new(Client::new(folder, timeout, transport)?.body_cap(cap)), format!("/{name}")))
    }
}

/// The plans of a place.
pub struct Terraform {
    source: SafeText,
    place: Place,
    check_interval: SignedDuration,
    redactor: Redactor,
}

/// What a file looked like when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    length: u64,
    changed: Option<SystemTime>,
}

/// Files as they looked.
type Stamps = BTreeMap<PathBuf, Stamp>;

/// What was read last: each file as it looked, and by which version of Terraform the plans were made. Asked again, what
/// looks the same is not read.
#[derive(Debug, Clone, Default)]
struct Read {
    files: Stamps,
    version: Option<SafeText>,
}

impl Terraform {
    /// Of a place. A check that is older than `check_interval` will be told to be stale.
    pub fn new(source: &str, place: Place, check_interval: SignedDuration) -> Self {
        Self { source: source.into(), place, check_interval, redactor: Redactor::default() }
    }

    /// Takes these secrets out, too.
    #[must_use]
    pub fn redact(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    fn made<'a>(&'a self, scope: &'a str, written_at: Timestamp) -> Made<'a> {
        Made { source: &self.source, scope, written_at, check_interval: self.check_interval }
    }

    /// Reads every plan there is. With what was read before: `None` where nothing looks otherwise.
    async fn plans(&self, before: Option<&Read>) -> Result<Option<(Vec<Plan>, Read)>, ConnectError> {
        let (client, name) = match &self.place {
            Place::Url(client, path) => (client, path),
            Place::Path(path) => {
                let (path, before) = (path.clone(), before.cloned());
                let files = tokio::task::spawn_blocking(move || files(&path, before.as_ref())).await;
                let files = files.map_err(|error| ConnectError::Unreachable(error.to_string().into()))??;
                let Some((plans, files)) = files else { return Ok(None) };
                let plans = plans.iter().map(|file| self.plan(&file.scope, file.written_at, &file.text));
                let plans = plans.collect::<Result<Vec<_>, _>>()?;
                let version = plans.iter().filter_map(|plan| plan.version.clone()).max();
                return Ok(Some((plans, Read { files, version })));
            }
        };
        let answer = client.get_bytes(name).await?;
        let name = name.trim_start_matches('/');
        let scope = name.strip_suffix(".json").unwrap_or(name);
        let now = answer.date.unwrap_or_else(Timestamp::now);
        let plan = self.plan(scope, now, &answer.value)?;
        let version = plan.version.clone();
        Ok(Some((vec![plan], Read { version, ..Read::default() })))
    }

    fn plan(&self, scope: &str, written_at: Timestamp, text: &[u8]) -> Result<Plan, ConnectError> {
        let read = plan::read(text, &self.made(scope, written_at), &self.redactor);
        read.map_err(|why| ConnectError::BadAnswer(format!("{scope}: {why}").into()))
    }
}

/// A file with a plan.
struct PlanFile {
    scope: String,
    written_at: Timestamp,
    text: Vec<u8>,
}

fn unreadable(path: &Path, why: impl std::fmt::Display) -> ConnectError {
    ConnectError::Unreachable(format!("{}: {why}", path.display()).into())
}

/// The plans of a file or a folder; `None` where all of them look as they did before.
fn files(path: &Path, before: Option<&Read>) -> Result<Option<(Vec<PlanFile>, Stamps)>, ConnectError> {
    let about = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
    let mut paths = Vec::new();
    if about.is_dir() {
        for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, error))? {
            let one = entry.map_err(|error| unreadable(path, error))?.path();
            if one.extension().is_some_and(|extension| extension == "json") {
                paths.push(one);
            }
            if paths.len() > FILES {
                return Err(ConnectError::BadAnswer(format!("{}: more than {FILES} files", path.display()).into()));
            }
        }
        paths.sort_unstable();
        if paths.is_empty() {
            return Err(unreadable(path, "it holds no *.json"));
        }
    } else {
        paths.push(path.to_owned());
    }
    let mut read = Stamps::new();
    for one in &paths {
        let about = std::fs::metadata(one).map_err(|error| unreadable(one, error))?;
        if !about.is_file() {
            return Err(unreadable(one, "it is no file"));
        }
        read.insert(one.clone(), Stamp { length: about.len(), changed: about.modified().ok() });
    }
    if before.is_some_and(|before| before.files == read) {
        return Ok(None);
    }
    let mut plans = Vec::with_capacity(paths.len());
    for (one, stamp) in &read {
        if stamp.length > LONGEST {
            let limit = LONGEST / 1024 / 1024;
            return Err(ConnectError::BadAnswer(format!("{}: longer than {limit} MiB", one.display()).into()));
        }
        let file = std::fs::File::open(one).map_err(|error| unreadable(one, error))?;
        let mut text = Vec::new();
        // It may grow meanwhile.
        file.take(LONGEST).read_to_end(&mut text).map_err(|error| unreadable(one, error))?;
        let written_at = stamp.changed.and_then(|changed| Timestamp::try_from(changed).ok());
        let scope = one.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        plans.push(PlanFile { scope, written_at: written_at.unwrap_or_else(Timestamp::now), text });
    }
    Ok(Some((plans, read)))
}

/// Tells what plans say, part by part.
async fn tell(plans: Vec<Plan>, read: Read, sink: &mpsc::Sender<Observation>) -> Result<(), ConnectError> {
    for plan in plans {
        hand_on(sink, found(plan.in_sync, plan.findings, (plan.bad_rows, plan.bad_row))).await?;
    }
    let version = read.version.clone();
    let mark = (!read.files.is_empty()).then(|| Observation::Mark(Arc::new(read) as Mark));
    let end = Observation::End { complete: true, engine_now: None, version };
    hand_on(sink, mark.into_iter().chain([end])).await
}

#[async_trait]
impl Connector for Terraform {
    fn kind(&self) -> &'static str {
        "terraform"
    }

    fn address(&self) -> SafeText {
        match &self.place {
            Place::Path(path) => path.display().to_string().into(),
            Place::Url(client, path) => format!("{}{path}", client.address().trim_end_matches('/')).into(),
        }
    }

    fn tells(&self) -> Tells {
        Tells { drift: true, ..Tells::NOTHING }
    }

    fn refuses_acts(&self) -> Option<SafeText> {
        Some("a plan is read, and not carried out: reconcile or adopt by a runbook".into())
    }

    fn unverified(&self) -> bool {
        matches!(&self.place, Place::Url(client, _) if client.unverified())
    }

    async fn check(&self) -> Result<(), ConnectError> {
        match &self.place {
            Place::Url(client, path) => client.get_bytes(path).await.map(|_| ()),
            Place::Path(path) => {
                let path = path.clone();
                let looked = tokio::task::spawn_blocking(move || {
                    std::fs::metadata(&path).map(|_| ()).map_err(|error| unreadable(&path, error))
                });
                looked.await.unwrap_or_else(|error| Err(ConnectError::Unreachable(error.to_string().into())))
            }
        }
    }

    async fn examine(&self) -> Result<Checkup, ConnectError> {
        let plans = self.plans(None).await?.map(|(plans, _)| plans).unwrap_or_default();
        let version = plans.iter().filter_map(|plan| plan.version.clone()).max();
        let reads = plans.iter().map(|plan| {
            let found = format!("{} findings, {} as wanted", plan.findings.len(), plan.in_sync);
            (SafeText::from(found), plan.bad_row.clone())
        });
        Ok(Checkup { version, reads: reads.collect(), ..Checkup::default() })
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        let (plans, read) = self.plans(None).await?.unwrap_or_default();
        tell(plans, read, &sink).await
    }

    async fn observe_again(&self, since: &Mark, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        let before = since.downcast_ref::<Read>();
        let Some((plans, read)) = self.plans(before).await? else {
            let version = before.and_then(|before| before.version.clone());
            let end = Observation::End { complete: true, engine_now: None, version };
            return hand_on(&sink, [Observation::DriftAsBefore, Observation::Mark(since.clone()), end]).await;
        };
        tell(plans, read, &sink).await
    }

    /// Reads the plans anew: what a plan does not tell any more is not there any more.
    async fn recheck(&self, findings: &[SafeText]) -> Result<Vec<Option<DriftFinding>>, ConnectError> {
        let (plans, _) = self.plans(None).await?.unwrap_or_default();
        let mut found: BTreeMap<SafeText, DriftFinding> = plans
            .into_iter()
            .flat_map(|plan| plan.findings)
            .map(|finding| (finding.id.instance.clone(), finding))
            .collect();
        Ok(findings.iter().map(|id| found.remove(id)).collect())
    }
}
