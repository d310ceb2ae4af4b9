//! The past that outlives the process: the samples of the board and since when there is drift, in the ledger.
//!
//! A pass hands a sample over and waits for nothing; whether it can be written changes nothing but what a hub that
//! begins later knows of this minute.

use jiff::Timestamp;
use tokio::sync::{OnceCell, mpsc};

use super::findings::Seen;
use super::history::Point;
use super::ledger::{Ledger, LedgerError, Past, Reader};
use super::source::Source;
use crate::domain::text::SafeText;

/// So many samples wait to be written; further ones are dropped, and their minutes are unknown later.
const WAITING: usize = 256;

/// A sample that was taken of a source.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) of: Past,
    pub(super) what: Kept,
}

/// What of it outlives the process.
#[derive(Debug)]
pub(super) enum Kept {
    /// What its board came to in a minute.
    Point(Point),
    /// Which findings of drift are new, and which are gone.
    Findings(Seen),
}

/// Where samples are read back from, once, and kept.
#[derive(Debug)]
pub(super) struct Trends {
    context: SafeText,
    reader: Reader,
    /// `None` where nothing is recorded.
    ledger: Option<Ledger>,
    recalled: OnceCell<()>,
}

impl Trends {
    pub(super) fn new(context: &str, reader: Reader, ledger: Option<Ledger>) -> Self {
        Self { context: context.into(), reader, ledger, recalled: OnceCell::new() }
    }

    fn past_of(&self, source: &Source) -> Past {
        Past {
            context: self.context.to_string(),
            source: source.name.to_string(),
            address: source.connector.address().to_string(),
        }
    }

    /// Hands the last hour to each source, once. Where it can't be read it is not known, as if nobody had looked.
    pub(super) async fn recall(&self, sources: &[Source], now: Timestamp) {
        let read = async || {
            let of = sources.iter().map(|source| self.past_of(source)).collect();
            match self.reader.pasts(of, now).await {
                Ok(None) => {}
                Ok(Some(pasts)) => sources.iter().zip(pasts).for_each(|(source, points)| source.recall(points, now)),
                Err(error) => tracing::warn!(%error, "the last hour can't be read back"),
            }
            let drifts: Vec<&Source> = sources.iter().filter(|source| source.connector.tells().drift).collect();
            if drifts.is_empty() {
                return;
            }
            match self.reader.findings(drifts.iter().map(|source| self.past_of(source)).collect()).await {
                Ok(None) => {}
                Ok(Some(seen)) => drifts.iter().zip(seen).for_each(|(source, seen)| source.recall_findings(seen)),
                Err(error) => tracing::warn!(%error, "since when there is drift can't be read back"),
            }
        };
        self.recalled.get_or_init(read).await;
    }

    /// Has every source hand over the samples that it takes from now on, and gives what keeps them for as long as it is
    /// awaited; `None` where nothing is recorded.
    pub(super) fn keep(&self, sources: &[Source]) -> Option<impl Future<Output = ()> + use<>> {
        let ledger = self.ledger.clone()?;
        let (sender, taken) = mpsc::channel(WAITING);
        for source in sources {
            source.hands_over(self.past_of(source), sender.clone());
        }
        Some(write(ledger, taken))
    }
}

async fn write(ledger: Ledger, mut taken: mpsc::Receiver<Taken>) {
    let mut failing = false;
    loop {
        let mut some = Vec::new();
        if taken.recv_many(&mut some, WAITING).await == 0 {
            return;
        }
        match keep_all(&ledger, some).await {
            Ok(()) if failing => {
                failing = false;
                tracing::info!("samples of the board are kept again");
            }
            Ok(()) => {}
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "samples of the board can't be kept: a later start won't know these minutes");
                }
                failing = true;
            }
        }
    }
}

async fn keep_all(ledger: &Ledger, taken: Vec<Taken>) -> Result<(), LedgerError> {
    ledger
        .write(async move |writing| {
            for Taken { of, what } in &taken {
                match what {
                    Kept::Point(point) => writing.keep_point(of, point).await?,
                    Kept::Findings(seen) => writing.keep_findings(of, seen).await?,
                }
            }
            Ok(())
        })
        .await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::{Context, SubscriberExt as _};

    use super::*;
    use crate::domain::trend::Sample;

    /// What was told of, by level.
    #[derive(Clone, Default)]
    struct Told(Arc<Mutex<Vec<tracing::Level>>>);

    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Told {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().push(*event.metadata().level());
        }
    }

    #[tokio::test]
    async fn a_disk_that_is_full_is_told_once_and_nobody_waits_for_it() {
        let told = Told::default();
        let _listens = tracing::subscriber::set_default(tracing_subscriber::registry().with(told.clone()));
        let (sender, taken) = mpsc::channel(1);
        let writing = tokio::spawn(write(Ledger::full(), taken));
        for minute in 0..5 {
            let at = Timestamp::from_second(1_800_000_000 + minute * 60).unwrap();
            let sample = Sample { at, open: 3, stuck: 2, by_rule: BTreeMap::new() };
            // More than what is left of any page.
            let cohorts = (0..1_000).map(|n| (format!("{n:08x}").into(), 2)).collect();
            let of = Past { context: "prod".into(), source: "eu".into(), address: "http://eu:9070".into() };
            sender.send(Taken { of, what: Kept::Point(Point { sample, cohorts, whole: true }) }).await.unwrap();
        }
        drop(sender);
        writing.await.unwrap();
        assert_eq!(*told.0.lock().unwrap(), [tracing::Level::WARN]);
    }
}
