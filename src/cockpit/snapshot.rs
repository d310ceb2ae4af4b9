//! A screen drawn once and without a terminal, for pictures, for tests, and for whoever has no terminal at hand.

use std::collections::VecDeque;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::CockpitError;
use super::app::App;
use super::draw::draw;
use super::keymap::Key;
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
    let clock = Arc::clone(&settings.clock);
    let mut settings = settings.clone();
    settings.start = if screen.below_flows() { ScreenName::Flows } else { screen };
    let mut app = App::new(settings, (width, height), clock());
    let effects = start(&mut app);
    settle(&mut app, effects, &*ops, &clock).await;
    let lead = match screen {
        ScreenName::Detail => "enter ",
        ScreenName::Raw => "J ",
        ScreenName::Compare => "= down = ",
        _ => "",
    };
    for name in format!("{lead}{keys}").split_whitespace() {
        let Some(key) = Key::parse(name) else { continue };
        let effects = update(&mut app, Msg::Key(key.event()), clock());
        settle(&mut app, effects, &*ops, &clock).await;
    }
    app.now = clock();
    let styles = app.settings.styles(app.theme()).map_err(CockpitError::Theme)?;
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    draw(&app, &styles, &mut buffer);
    Ok(buffer)
}

/// Performs questions one after another until there are none.
async fn settle(app: &mut App, effects: Vec<Effect>, ops: &dyn Ops, clock: &super::Clock) {
    let mut queue: VecDeque<Effect> = effects.into();
    // A screen needs a handful; more would be questions that beget themselves.
    for _ in 0..32 {
        let Some(effect) = queue.pop_front() else { break };
        if let Effect::Ask(ticket, ask) = effect {
            let reply = answer(ops, ask).await;
            queue.extend(update(app, Msg::Reply(ticket, reply), clock()));
        }
    }
}
