//! The Wazo stack's message bus, where one event is heard: that a tenant is deleted. An event is
//! acknowledged only when what follows from it is done; without a broker nothing else stops.
//!
//! The queue goes with its connection, so that events of a time without one never come: whoever
//! listens is told of each new connection, to look for himself.

mod settings;

pub use settings::Settings;

use amqprs::callbacks::DefaultChannelCallback;
use amqprs::channel::{
    BasicAckArguments, BasicConsumeArguments, BasicQosArguments, Channel, ConsumerMessage,
    ExchangeDeclareArguments, QueueBindArguments, QueueDeclareArguments,
};
use amqprs::connection::{Connection, OpenConnectionArguments};
use amqprs::error::Error;
use amqprs::{FieldName, FieldTable};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use crate::limits;
use crate::time::Duration;

/// The event's name, in a message's header and in its body (spec section 7.4).
const DELETED: &str = "auth_tenant_deleted";

/// Who is told what is heard.
pub trait Ear: Send + Sync + 'static {
    /// A tenant is said to be deleted. Blocks until what follows from that is durable; false: that
    /// cannot be done now, and it is told again after a pause. `told` is how often it was before.
    fn deleted(&self, tenant: &str, told: u32) -> bool;

    /// There is a connection again: what was said meanwhile is lost.
    fn missed(&self);
}

/// Whether the bus is heard at the moment.
#[derive(Clone, Default, Debug)]
pub struct Standing(Arc<AtomicBool>);

impl Standing {
    /// Whether it is.
    pub fn is_heard(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Listens until it is stopped, or nobody is there any more who could stop it; connects again and
/// again, after growing pauses. `name` tells our queue from others'.
pub async fn listen(
    settings: Settings,
    name: String,
    ear: Arc<dyn Ear>,
    standing: Standing,
    mut stopped: watch::Receiver<bool>,
) {
    let (heard, queue) = (standing.clone(), format!("wazo-provd.{name}"));
    tokio::select! {
        _ = stopped.wait_for(|stop| *stop) => {}
        () = keep(&settings, &queue, &ear, &standing) => {}
    }
    heard.set(false);
}

impl Standing {
    fn set(&self, is_heard: bool) {
        self.0.store(is_heard, Ordering::Relaxed);
    }
}

async fn keep(settings: &Settings, queue: &str, ear: &Arc<dyn Ear>, standing: &Standing) {
    let mut pause = Duration::ZERO;
    let mut has_heard = false;
    loop {
        let opened = timeout(limits::BUS_OPEN_TIME_MAX, Line::open(settings, queue)).await;
        let fault = match opened {
            Ok(Ok(mut line)) => {
                standing.set(true);
                tracing::info!(bus = ?settings, "the bus is heard");
                if has_heard {
                    ear.missed();
                }
                (has_heard, pause) = (true, Duration::ZERO);
                let fault = line.hear(ear).await;
                standing.set(false);
                fault
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it does not answer in time".to_owned(),
        };
        // Once for each time that it goes away.
        match pause.is_zero() {
            true => tracing::warn!(bus = ?settings, fault, "the bus is not heard"),
            false => tracing::debug!(bus = ?settings, fault, "the bus is not heard"),
        }
        pause = longer(pause);
        sleep(pause).await;
    }
}

/// The pause behind this one, before a service of the stack is tried again: 1, 2, 4, 8, 16, 32,
/// 32 … seconds.
pub fn longer(pause: Duration) -> Duration {
    (2 * pause).clamp(limits::WAZO_RETRY_MIN, limits::WAZO_RETRY_MAX)
}

/// A connection on which messages come, one at a time.
struct Line {
    channel: Channel,
    /// Ends with the channel, and with it when the broker takes the queue away.
    messages: mpsc::UnboundedReceiver<ConsumerMessage>,
    /// Closes when it is dropped: behind the channel.
    _connection: Connection,
}

impl Line {
    /// Connects, and declares what spec section 7.4 names.
    async fn open(settings: &Settings, queue: &str) -> Result<Line, Error> {
        let Settings { port, username, password, vhost, .. } = settings;
        let Settings { exchange_name, exchange_type, .. } = settings;
        let mut access = OpenConnectionArguments::new(&settings.host(), *port, username, password);
        access.virtual_host(vhost).connection_name("ringboot").heartbeat(limits::BUS_HEARTBEAT);
        let connection = Connection::open(&access).await?;
        let channel = connection.open_channel(None).await?;
        // Without it, the library keeps to itself that the queue was taken away.
        channel.register_callback(DefaultChannelCallback).await?;
        let exchange = ExchangeDeclareArguments::new(exchange_name, exchange_type);
        channel.exchange_declare(exchange.clone().durable(true).finish()).await?;
        let declared = QueueDeclareArguments::new(queue).auto_delete(true).finish();
        channel.queue_declare(declared).await?;
        let mut wanted = FieldTable::new();
        for (key, value) in [("x-match", "all"), ("name", DELETED)] {
            let key: FieldName = key.try_into().expect("invariant: shorter than 256 bytes");
            wanted.insert(key, value.into());
        }
        let bound = QueueBindArguments::new(queue, exchange_name, "").arguments(wanted).finish();
        channel.queue_bind(bound).await?;
        channel.basic_qos(BasicQosArguments::new(0, 1, false)).await?;
        let consumed = BasicConsumeArguments::new(queue, "ringboot");
        let (_, messages) = channel.basic_consume_rx(consumed).await?;
        Ok(Line { channel, messages, _connection: connection })
    }

    /// Hands over what comes, until nothing comes any more; says why that is.
    async fn hear(&mut self, ear: &Arc<dyn Ear>) -> String {
        const LOST: &str = "the connection is lost";
        loop {
            let Some(message) = self.messages.recv().await else { return LOST.to_owned() };
            let Some(deliver) = message.deliver else { return LOST.to_owned() };
            match tenant(&message.content.unwrap_or_default()) {
                Ok(tenant) => {
                    // What is begun goes on without a connection: the event does not come again.
                    let done = tokio::spawn(tell(Arc::clone(ear), tenant));
                    tokio::select! {
                        _ = done => {}
                        // A broker sends no second one before the first is acknowledged.
                        _ = self.messages.recv() => return LOST.to_owned(),
                    }
                }
                Err(fault) => tracing::warn!(fault, "a message of the bus is not understood"),
            }
            let done = BasicAckArguments::new(deliver.delivery_tag(), false);
            if let Err(error) = self.channel.basic_ack(done).await {
                return error.to_string();
            }
        }
    }
}

/// Tells of a tenant until what follows from that is done.
async fn tell(ear: Arc<dyn Ear>, tenant: String) {
    let mut pause = Duration::ZERO;
    for told in 0.. {
        let (ear, tenant) = (Arc::clone(&ear), tenant.clone());
        let done = spawn_blocking(move || ear.deleted(&tenant, told)).await;
        if done.unwrap_or(false) {
            return;
        }
        pause = longer(pause);
        sleep(pause).await;
    }
}

/// The tenant that a message says is deleted.
fn tenant(body: &[u8]) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Event {
        name: String,
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        uuid: String,
    }
    let event: Event = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    match &event {
        Event { name, .. } if name != DELETED => Err(format!("it is named {name:?}")),
        Event { data, .. } if data.uuid.is_empty() => Err("it names no tenant".to_owned()),
        _ => Ok(event.data.uuid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_a_tenant_or_is_none() {
        let of = |text: &str| tenant(text.as_bytes());
        let sent = r#"{"name":"auth_tenant_deleted","origin_uuid":"o",
                       "data":{"uuid":"2c34","slug":"s"},"required_acl":null}"#;
        assert_eq!(of(sent), Ok("2c34".to_owned()));
        for bad in [
            "",
            "{",
            "[]",
            "null",
            "{}",
            r#"{"name":"auth_tenant_deleted"}"#,
            r#"{"name":"auth_tenant_deleted","data":{}}"#,
            r#"{"name":"auth_tenant_deleted","data":{"uuid":null}}"#,
            r#"{"name":"auth_tenant_deleted","data":{"uuid":5}}"#,
            r#"{"name":"auth_tenant_deleted","data":{"uuid":""}}"#,
            r#"{"name":"auth_tenant_added","data":{"uuid":"2c34"}}"#,
            r#"{"data":{"uuid":"2c34"}}"#,
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
        assert!(tenant(b"\xff\xfe").is_err());
    }

    #[test]
    fn pauses_grow_up_to_half_a_minute() {
        let mut pause = Duration::ZERO;
        let pauses: Vec<u64> = std::iter::from_fn(|| {
            pause = longer(pause);
            Some(pause.as_secs())
        })
        .take(8)
        .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 32, 32]);
    }
}
