//! A process that ends: what was on its disk at each question that it asked its engine, and who takes that up.

use std::sync::{Arc, Mutex};

use quarterdeck::domain::wide::{Control, WideDetail, WideState};
use quarterdeck::ops::Ops;

use super::crowd::{Asked, Crowd};
use super::ledger::verified;
use super::runs::{Place, carried, settled};

/// What was on the disk when the engine was asked something, and on which instances acts had arrived by then.
pub struct Moment {
    pub disk: tempfile::TempDir,
    pub arrived: Vec<String>,
    /// On which instance it was to act just then, which may have arrived, too.
    acting: Option<String>,
}

impl Moment {
    /// What may have arrived: without and with the act in the middle of which the process ended.
    pub fn may_have_arrived(&self) -> Vec<Vec<String>> {
        let with = self.acting.iter().map(|instance| [self.arrived.clone(), vec![instance.clone()]].concat());
        [self.arrived.clone()].into_iter().chain(with).collect()
    }
}

/// The moments of a place.
pub struct Moments(Arc<Mutex<Vec<Moment>>>);

impl Moments {
    /// Keeps them from now on. An act on an instance `arrives` at the engine or is lost on its way.
    pub fn of(place: &Place, arrives: impl Fn(&str) -> bool + Send + 'static) -> Self {
        let kept: Arc<Mutex<Vec<Moment>>> = Arc::default();
        let (into, dir) = (Arc::clone(&kept), place.dir.path().to_owned());
        let mut by_now = Vec::new();
        place.crowd.watch(move |asked| {
            let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            for file in std::fs::read_dir(&dir).unwrap() {
                let file = file.unwrap();
                // What the ledger needs for a moment only may be gone already.
                match std::fs::copy(file.path(), disk.path().join(file.file_name())) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    copied => _ = copied.unwrap(),
                }
            }
            let acting = if let Asked::Act(instance) = asked { Some(instance.clone()) } else { None };
            into.lock().unwrap().push(Moment { disk, arrived: by_now.clone(), acting: acting.clone() });
            by_now.extend(acting.filter(|instance| arrives(instance)));
        });
        Self(kept)
    }

    /// All of them, in their order.
    pub fn kept(self) -> Vec<Moment> {
        let kept = std::mem::take(&mut *self.0.lock().unwrap());
        assert!(kept.len() > 10, "{}", kept.len());
        kept
    }
}

/// Another process takes up what one has left on its disk, and goes on to its end. Taking it up sends nothing.
pub async fn taken_up(place: &Place, disk: &tempfile::TempDir, id: &str, crowd: Arc<Crowd>) -> (Place, WideDetail) {
    let after = place.copied(disk.path(), crowd);
    let hub = after.hub("ben").await;
    let left = hub.control(id, Control::Hold).await;
    assert!(left.is_err(), "it is held already, or its process was at its end");
    let mut detail = settled(&hub, id).await;
    assert!(after.crowd.acted_on().is_empty(), "taking it up sends nothing");
    while detail.head.state == WideState::Held {
        detail = carried(&hub, id, Control::Resume).await;
    }
    assert!(detail.head.state.ended(), "{:#?}", detail.head);
    assert!(verified(after.dir.path()).broken.is_none());
    (after, detail)
}
