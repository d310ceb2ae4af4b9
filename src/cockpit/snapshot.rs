//! The cockpit without a terminal: for pictures, for benches, for tests, and for whoever has no terminal at hand.

use std::collections::VecDeque;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::CockpitError;
use super::app::App;
use super::draw::draw;
use super::keymap::Key;
use super::many::rows;
use super::msg::{Effect, Msg};
use super::runtime::effects::answer;
use super::settings::{ScreenName, Settings};
use super::update::{start, update};
use crate::ops::Ops;

/// One screen with what `ops` tells. [`ScreenName::Detail`] and [`ScreenName::Raw`] open the first of the flows.
pub async fn snapshot(
    ops: Arc<dyn Ops>,
    screen: ScreenName,
    width: u16,
    height: u16,
    settings: &Settings,
) -> Result<Buffer, CockpitError> {
    snapshot_after(ops, screen, "", width, height, settings).await
}

/// One screen after some keys, named as in the key table and separated by spaces: `"v enter"`.
///
/// Nothing is ever acted on from here: an act that keys would lead to is left out.
pub async fn snapshot_after(
    ops: Arc<dyn Ops>,
    screen: ScreenName,
    keys: &str,
    width: u16,
    height: u16,
    settings: &Settings,
) -> Result<Buffer, CockpitError> {
    let mut cockpit = Headless::open(ops, screen, (width, height), settings).await;
    cockpit.press(keys).await;
    let app = cockpit.app();
    let styles = app.settings.styles(app.theme()).map_err(CockpitError::Theme)?;
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    draw(app, &styles, &mut buffer);
    Ok(buffer)
}

/// A cockpit that keys are pressed in and that nobody sees. Every question is answered before the next key; an act that
/// keys would lead to is left out.
pub struct Headless {
    app: App,
    ops: Arc<dyn Ops>,
}

impl Headless {
    /// Opens a screen on a terminal of so many columns and rows.
    pub async fn open(ops: Arc<dyn Ops>, screen: ScreenName, size: (u16, u16), settings: &Settings) -> Self {
        let mut settings = settings.clone();
        settings.start = if screen.below_flows() { ScreenName::Flows } else { screen };
        let now = (settings.clock)();
        let mut cockpit = Self { app: App::new(settings, size, now), ops };
        let effects = start(&mut cockpit.app);
        cockpit.settle(effects).await;
        let lead = match screen {
            ScreenName::Detail => "enter",
            // Where there is none, the list says so.
            ScreenName::Remediation if !rows(&cockpit.app).is_empty() => "enter",
            ScreenName::Raw => "J",
            ScreenName::Compare => "= down =",
            _ => "",
        };
        cockpit.press(lead).await;
        cockpit
    }

    /// Presses keys, named as in the key table and separated by spaces. Names that there are not are left out.
    pub async fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace().filter_map(Key::parse) {
            self.send(Msg::Key(key.event())).await;
        }
        self.app.now = self.now();
    }

    /// Tells it something, and answers what it asks.
    pub async fn send(&mut self, msg: Msg) {
        let now = self.now();
        let effects = update(&mut self.app, msg, now);
        self.settle(effects).await;
    }

    /// Its state.
    pub fn app(&self) -> &App {
        &self.app
    }

    fn now(&self) -> jiff::Timestamp {
        (self.app.settings.clock)()
    }

    /// Performs questions one after another until there are none.
    async fn settle(&mut self, effects: Vec<Effect>) {
        let mut queue: VecDeque<Effect> = effects.into();
        // A screen needs a handful; more would be questions that beget themselves.
        for _ in 0..32 {
            let Some(effect) = queue.pop_front() else { break };
            if let Effect::Ask(ticket, ask) = effect {
                let reply = answer(&*self.ops, ask).await;
                let now = self.now();
                queue.extend(update(&mut self.app, Msg::Reply(ticket, reply), now));
            }
        }
    }
}
