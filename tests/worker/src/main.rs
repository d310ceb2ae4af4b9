//! A Restate worker in which each handler is one kind of stuck work.
//!
//! Usage: `quarterdeck-test-worker ADDRESS FAULTS_DIR`. A fault is on while a file of its name exists in
//! `FAULTS_DIR`; the file's content, if any, is the error text. Faults:
//! `database` (TenantProvisioning, step create-database), `migration` (SchemaMigration, step apply-0042),
//! `hang` (CertRotation, step wait-acme), `order` (OrderBook, step reserve). With `unlocked` DnsCutover succeeds.

#![allow(clippy::print_stdout, reason = "its address is what a test reads from it")]
#![allow(
    clippy::unused_async,
    missing_docs,
    reason = "the SDK's macros want async handlers and make undocumented clients"
)]
#![allow(clippy::doc_markdown, reason = "names of handlers")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use restate_sdk::prelude::*;

/// The switches, shared by all handlers.
#[derive(Clone)]
struct Faults(Arc<PathBuf>);

impl Faults {
    /// The error text of a fault that is on; `None` while it is off.
    fn text(&self, fault: &str, default: impl FnOnce() -> String) -> Option<String> {
        let text = std::fs::read_to_string(self.0.join(fault)).ok()?;
        Some(if text.is_empty() { default() } else { text })
    }

    fn fail(&self, fault: &str, default: impl FnOnce() -> String) -> Result<(), HandlerError> {
        match self.text(fault, default) {
            Some(text) => Err(std::io::Error::other(text).into()),
            None => Ok(()),
        }
    }
}

/// Provisions a tenant: fails in `create-database`, then waits for the promise `approval`.
struct TenantProvisioning(Faults);

#[workflow]
impl TenantProvisioning {
    #[handler]
    async fn run(&self, ctx: WorkflowContext<'_>, region: String) -> Result<String, HandlerError> {
        let tenant = ctx.key().to_owned();
        ctx.run(|| async { Ok("10.42.0.0/20".to_owned()) }).name("allocate-network").await?;
        let faults = self.0.clone();
        let host = format!("db-primary.{region}:5432");
        let name = tenant.clone();
        ctx.run(|| async move {
            faults.fail("database", || {
                format!("connect ECONNREFUSED {host} while creating {name}\n    at create (provision.rs:14)")
            })
        })
        .name("create-database")
        .await?;
        ctx.promise::<String>("approval").await?;
        ctx.run(|| async { Ok(()) }).name("publish-dns").await?;
        Ok(tenant)
    }

    #[handler]
    async fn approve(&self, ctx: SharedWorkflowContext<'_>, by: String) -> Result<(), HandlerError> {
        ctx.resolve_promise::<String>("approval", by);
        Ok(())
    }
}

/// Migrates a schema; its retry policy pauses it after three attempts.
struct SchemaMigration(Faults);

#[service]
impl SchemaMigration {
    #[handler]
    async fn migrate(&self, ctx: Context<'_>, shard: u32) -> Result<String, HandlerError> {
        ctx.run(|| async { Ok(()) }).name("take-advisory-lock").await?;
        let faults = self.0.clone();
        ctx.run(|| async move {
            faults.fail("migration", || format!("relation \"tenant_settings\" does not exist (shard {shard})"))
        })
        .name("apply-0042")
        .await?;
        ctx.run(|| async { Ok(()) }).name("verify").await?;
        Ok("migrated".to_owned())
    }
}

/// Ends badly at once, with the code that the engine's own cancel uses too, unless `unlocked` is on.
struct DnsCutover(Faults);

#[service]
impl DnsCutover {
    #[handler]
    async fn cutover(&self, ctx: Context<'_>, zone: String) -> Result<(), HandlerError> {
        ctx.run(|| async { Ok(60) }).name("lower-ttl").await?;
        if self.0.text("unlocked", String::new).is_some() {
            return Ok(());
        }
        Err(TerminalError::new_with_code(409, format!("zone {zone} is locked by registrar")).into())
    }
}

/// Waits for a callback from outside.
struct BackupRun;

#[service]
impl BackupRun {
    #[handler]
    async fn run(&self, ctx: Context<'_>, tenant: String) -> Result<String, HandlerError> {
        let (id, promise) = ctx.awakeable::<String>();
        ctx.run(|| async move { Ok(format!("{tenant} {id}")) }).name("start-snapshot").await?;
        Ok(promise.await?)
    }
}

/// Sleeps with its key held, so that others queue behind it.
struct ConfigReconciler;

#[object]
impl ConfigReconciler {
    #[handler]
    async fn reconcile(&self, ctx: ObjectContext<'_>, sleep_ms: u64) -> Result<(), HandlerError> {
        ctx.sleep(Duration::from_millis(sleep_ms)).await?;
        Ok(())
    }
}

/// Fails with its key held: those queued behind it are blocked by something stuck.
struct OrderBook(Faults);

#[object]
impl OrderBook {
    #[handler]
    async fn place(&self, ctx: ObjectContext<'_>, order: u32) -> Result<(), HandlerError> {
        let faults = self.0.clone();
        ctx.run(|| async move { faults.fail("order", || format!("stock service timed out for order {order}")) })
            .name("reserve")
            .await?;
        Ok(())
    }
}

/// Hangs inside a step while its fault is on.
struct CertRotation(Faults);

#[service]
impl CertRotation {
    #[handler]
    async fn rotate(&self, ctx: Context<'_>, tenant: String) -> Result<String, HandlerError> {
        ctx.run(|| async { Ok("csr".to_owned()) }).name("csr").await?;
        let faults = self.0.clone();
        ctx.run(|| async move {
            while faults.text("hang", String::new).is_some() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        })
        .name("wait-acme")
        .await?;
        Ok(tenant)
    }
}

/// Succeeds at once.
struct Noop;

#[service]
impl Noop {
    #[handler]
    async fn ping(&self, _ctx: Context<'_>, n: u32) -> Result<u32, HandlerError> {
        Ok(n)
    }
}

/// Writes down whose its key is, and waits for a callback.
struct Ledger;

#[object]
impl Ledger {
    #[handler]
    async fn hold(&self, ctx: ObjectContext<'_>, tenant: String) -> Result<String, HandlerError> {
        ctx.set("owner", tenant);
        let (_, promise) = ctx.awakeable::<String>();
        Ok(promise.await?)
    }
}

/// Calls another flow and waits for it, or only tells it.
struct PlanUpgrade;

#[service]
impl PlanUpgrade {
    #[handler]
    async fn upgrade(&self, ctx: Context<'_>, shard: u32) -> Result<String, HandlerError> {
        Ok(ctx.service_client::<SchemaMigrationClient>().migrate(shard).call().await?)
    }

    #[handler]
    async fn tell(&self, ctx: Context<'_>, tenant: String) -> Result<(), HandlerError> {
        ctx.service_client::<BackupRunClient>().run(tenant).send();
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(address), Some(dir)) = (args.next(), args.next()) else {
        return Err("usage: quarterdeck-test-worker ADDRESS FAULTS_DIR".into());
    };
    let faults = Faults(Arc::new(dir.into()));
    let pausing = ServiceOptions::new()
        .retry_policy_initial_interval(Duration::from_millis(50))
        .retry_policy_exponentiation_factor(1.5)
        .retry_policy_max_attempts(3)
        .retry_policy_pause_on_max_attempts();
    let migration = SchemaMigration(faults.clone()).into_service_definition();
    let endpoint = Endpoint::builder()
        .bind(TenantProvisioning(faults.clone()))
        .bind(migration.options(pausing))
        .bind(DnsCutover(faults.clone()))
        .bind(BackupRun)
        .bind(ConfigReconciler)
        .bind(OrderBook(faults.clone()))
        .bind(CertRotation(faults))
        .bind(Noop)
        .bind(Ledger)
        .bind(PlanUpgrade)
        .build();
    let listener = tokio::net::TcpListener::bind(&address).await?;
    // The one line on standard output: where it listens, for a test that asked for a free port.
    println!("{}", listener.local_addr()?);
    HttpServer::new(endpoint).serve(listener).await;
    Ok(())
}
