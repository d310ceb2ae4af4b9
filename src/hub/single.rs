//! One instance, read live: what is acted on, and what its screen shows.

use std::collections::BTreeMap;

use super::executor::INEXACT;
use super::source::Source;
use super::{Hub, missing};
use crate::connect::Reading;
use crate::domain::flow::{FlowDetail, FlowInstance, WaitKind};
use crate::domain::ids::InstanceId;
use crate::domain::promise::Promise;
use crate::domain::text::SafeText;
use crate::domain::verdict::{Circumstances, Judgement, judge};
use crate::ops::OpsError;

impl Hub {
    /// The source of an instance whose id is as its engine has it.
    pub(super) fn exact(&self, id: &InstanceId) -> Result<&Source, OpsError> {
        let source = self.source(&id.source)?;
        // Asking for the id as it is shown would ask for another instance, or for none.
        let rows = &source.held().rows;
        if rows.all(&id.instance).any(|slot| !rows.exact(slot)) {
            return Err(OpsError::Refused(INEXACT.into()));
        }
        Ok(source)
    }

    pub(super) async fn read(&self, id: &InstanceId) -> Result<(&Source, Reading, Judgement), OpsError> {
        let source = self.exact(id)?;
        let reading =
            source.connector.read(&id.instance).await.map_err(|error| OpsError::Source(error.to_string().into()))?;
        let mut reading = reading.ok_or_else(|| missing(id))?;
        source.tell_tenant_of(&self.book, &mut reading.detail.flow).await;
        let judgement = self.judge_one(source, &reading).await;
        Ok((source, reading, judgement))
    }

    /// Judges an instance that was read alone. The verdict of whoever holds its key is the last one known; where none
    /// is known, as before the first pass, the holder is read too.
    async fn judge_one(&self, source: &Source, reading: &Reading) -> Judgement {
        let flow = &self.with_parent(source, &reading.detail.flow).await;
        let poll = source.poll_interval();
        let limits = |flow: &FlowInstance| self.book.thresholds.resolve(&flow.id.source, &flow.flow, &flow.step, poll);
        let behind = flow.wait.as_ref().filter(|wait| wait.kind == WaitKind::Lock);
        let mut holder = None;
        if let Some(name) = behind.and_then(|wait| wait.reference.as_ref()) {
            holder = match source.judged(&self.book, name) {
                Some(row) => Some((row.flow.id, row.judgement)),
                // A holder that can't be read is one that is not known.
                None => source.connector.read(name).await.ok().flatten().map(|reading| {
                    let flow = reading.detail.flow;
                    let circumstances = Circumstances { now: reading.engine_now, holder: None };
                    let judgement = judge(&flow, &limits(&flow), &circumstances);
                    (flow.id, judgement)
                }),
            };
        }
        let holder = holder.as_ref().map(|(id, judgement)| (id, judgement));
        judge(flow, &limits(flow), &Circumstances { now: reading.engine_now, holder })
    }

    /// The instance, and whether the one that started it has ended, where a rule asks for that.
    async fn with_parent(&self, source: &Source, flow: &FlowInstance) -> FlowInstance {
        let mut flow = flow.clone();
        let limits = self.book.thresholds.resolve(&flow.id.source, &flow.flow, &flow.step, source.poll_interval());
        if let Some(parent) = flow.signs.parent.as_mut().filter(|parent| parent.ended.is_none())
            && limits.orphan.is_some()
        {
            match source.connector.read(&parent.id).await {
                Ok(Some(Reading { detail, .. })) => {
                    parent.ended = Some(detail.flow.status.ended());
                    parent.ended_at = detail.flow.last_transition_at.filter(|_| detail.flow.status.ended());
                }
                // The engine forgets only what has ended.
                Ok(None) => parent.ended = Some(true),
                Err(error) => tracing::debug!(%error, "the parent can't be read"),
            }
        }
        flow
    }

    /// What each step of an instance promises, as far as anything is promised.
    pub(super) fn promises(&self, detail: &FlowDetail) -> BTreeMap<SafeText, Promise> {
        let flow = &detail.flow;
        let told = detail.timeline.iter().map(|entry| &entry.what);
        let steps = told.chain(detail.runs.iter().map(|run| &run.step)).chain([&flow.step]);
        steps
            .map(|step| (step.clone(), self.book.thresholds.promise(&flow.id.source, &flow.flow, step)))
            .filter(|(_, promise)| !promise.is_empty())
            .collect()
    }
}
