use async_trait::async_trait;
use tokio::time::Instant as TokioInstant;

use super::*;
use crate::connect::{ConnectError, Observation};

/// How long a server is left alone at most, which the client makes sure of.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// A source that always wants to be left alone for so long, and keeps when it was asked.
struct Busy {
    wait: Option<Duration>,
    asked: Mutex<Vec<TokioInstant>>,
}

#[async_trait]
impl Connector for Busy {
    fn kind(&self) -> &'static str {
        "busy"
    }

    fn address(&self) -> SafeText {
        "nowhere".into()
    }

    async fn check(&self) -> Result<(), ConnectError> {
        self.asked.lock().unwrap().push(TokioInstant::now());
        Ok(())
    }

    async fn observe(&self, _: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        self.asked.lock().unwrap().push(TokioInstant::now());
        Err(ConnectError::Busy { text: "busy".into(), wait: self.wait })
    }
}

/// Polls for a while of made-up time, with somebody who presses a key every few seconds; when it was asked.
async fn asked(wait: Option<Duration>, poll: Duration, impatient: bool) -> Vec<TokioInstant> {
    let connector = Arc::new(Busy { wait, asked: Mutex::default() });
    let source = Arc::new(Source::new("a", connector.clone(), poll, Arc::new(Mutex::new(Ring::new(1)))));
    let clock: Clock = Arc::new(Timestamp::now);
    let polled = source.clone();
    let book = Book { thresholds: ThresholdBook::default(), tenants: TenantBook::default() };
    let task = tokio::spawn(async move { polled.keep_asking(&book, &clock, &|| ()).await });
    for _ in 0..1_000 {
        tokio::time::sleep(Duration::from_secs(7)).await;
        if impatient {
            source.wake();
        }
    }
    task.abort();
    let asked = connector.asked.lock().unwrap().clone();
    assert!(asked.len() >= 5, "{wait:?}: it is asked again");
    asked
}

#[tokio::test(start_paused = true)]
async fn what_asks_to_be_left_alone_is_never_asked_early_and_always_again() {
    let mut cases = 0;
    for seconds in [1, 4, 5, 6, 29, 30, 31, 60, 299, 600, 899, 900] {
        let wait = Duration::from_secs(seconds);
        for (poll, impatient) in [(5, false), (5, true), (120, true)] {
            let poll = Duration::from_secs(poll);
            let times = asked(Some(wait), poll, impatient).await;
            let gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(gaps.iter().all(|gap| *gap >= wait), "{wait:?} {poll:?}: {gaps:?}");
            let most = LONGEST.max(wait).max(poll).mul_f64(1.2) + Duration::from_secs(1);
            assert!(gaps.iter().all(|gap| *gap <= most), "{wait:?} {poll:?}: {gaps:?}");
            // Many hubs that were told the same do not come back in step.
            let differ = gaps.windows(2).any(|pair| pair[0] != pair[1]);
            assert!(differ || impatient, "{wait:?} {poll:?}: {gaps:?}");
            cases += 1;
        }
    }
    // One that says nothing, or nothing that can be meant, falls under the usual back-off.
    let gaps: Vec<Duration> =
        asked(None, Duration::from_secs(5), false).await.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| *gap >= Duration::from_secs(4) && *gap <= Duration::from_secs(36)), "{gaps:?}");
    assert_eq!(cases, 36);
}
