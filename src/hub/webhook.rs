//! Telling others of remediations by HTTP: each webhook of the config is posted to, once.
//!
//! Nobody depends on it: a webhook that fails stops nothing, and is in the log. A second try is made only where the first
//! one was not taken, or its server said to be unable. Addresses may be secrets: none is in what is said of a failure.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::header::CONTENT_TYPE;
use reqwest::{StatusCode, Url};
use secrecy::ExposeSecret as _;

use crate::config::WebhookSetting;
use crate::domain::notice::Notice;
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;

/// From a failure to the second try.
const PAUSE: Duration = Duration::from_secs(1);

/// Who is told.
pub struct Webhooks {
    hooks: Vec<WebhookSetting>,
    redactor: Redactor,
}

/// Why a webhook was not told, and whether it may be tried again.
struct Failure {
    why: String,
    again: bool,
}

impl Webhooks {
    /// Those of the config. `redactor` takes secrets out of what is told.
    pub const fn new(hooks: Vec<WebhookSetting>, redactor: Redactor) -> Self {
        Self { hooks, redactor }
    }

    /// Tells all who want to know on this occasion, at one time. Returns when each of them has answered or its time is
    /// over, which may be twice its timeout and a second: who does not want to wait spawns it. Gives who was not told, and
    /// why; that is in the log too.
    pub async fn tell(&self, notice: &Notice) -> Vec<(SafeText, SafeText)> {
        let wanted = self.hooks.iter().filter(|hook| hook.occasions.contains(&notice.occasion));
        let told = join_all(wanted.map(|hook| async {
            let why = tell(hook, notice, &self.redactor).await.err()?;
            let (event, remediation) = (notice.occasion.name(), &notice.id);
            tracing::warn!(webhook = %hook.name, event, %remediation, why, "a webhook was not told");
            Some((hook.name.clone(), SafeText::new(&why)))
        }));
        told.await.into_iter().flatten().collect()
    }
}

async fn tell(hook: &WebhookSetting, notice: &Notice, redactor: &Redactor) -> Result<(), String> {
    let body = notice.fill(&hook.body, redactor)?;
    let address = hook.address.clone();
    // A file or a command may take its time.
    let fetched = tokio::task::spawn_blocking(move || address.fetch()).await;
    let url = fetched.map_err(|_| "its address could not be fetched".to_owned())??;
    let url = Url::parse(url.expose_secret()).map_err(|_| "its address can't be read".to_owned())?;
    let client = client(hook, &url)?;
    let Err(first) = post(&client, &url, &body).await else { return Ok(()) };
    if !first.again {
        return Err(first.why);
    }
    tokio::time::sleep(PAUSE).await;
    post(&client, &url, &body).await.map_err(|second| format!("{}; and again: {}", first.why, second.why))
}

fn client(hook: &WebhookSetting, url: &Url) -> Result<reqwest::Client, String> {
    let timeout = hook.timeout.try_into().map_err(|_| "its timeout is none".to_owned())?;
    let builder = reqwest::Client::builder()
        .user_agent(concat!("quarterdeck/", env!("CARGO_PKG_VERSION")))
        // Neither what is told nor the address goes to anybody else.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(0)
        .timeout(timeout);
    let builder = if is_loopback(url) { builder.no_proxy() } else { builder };
    builder.build().map_err(|_| "there is no client for it".to_owned())
}

async fn post(client: &reqwest::Client, url: &Url, body: &str) -> Result<(), Failure> {
    let request = client.post(url.clone()).header(CONTENT_TYPE, "application/json").body(body.to_owned());
    let failed = |why: String, again| Err(Failure { why, again });
    match request.send().await {
        // What it says besides is of no use to anybody, and not read.
        Ok(answer) => match answer.status() {
            status if status.is_success() => Ok(()),
            status if status.is_redirection() => {
                failed(format!("redirected ({}); redirects are not followed", status.as_u16()), false)
            }
            status => {
                let again = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
                failed(format!("it answered {}", status.as_u16()), again)
            }
        },
        // In words of our own: the library's may hold the address.
        Err(error) if error.is_timeout() => failed("no answer in time".to_owned(), false),
        Err(error) if error.is_connect() => failed("it can't be reached".to_owned(), true),
        Err(_) => failed("the connection broke off".to_owned(), false),
    }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    })
}
