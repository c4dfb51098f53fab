//! What the DNS says of the domain that letters come from: without these records they are taken for spam.
//!
//! Only `rekey check` asks. What cannot be asked is told as that, never as missing.

use std::time::Duration;

use hickory_resolver::config::{ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::system_conf::read_system_conf;
use hickory_resolver::{Resolver, TokioResolver};

/// How long one question may take, and how often it is put.
const PATIENCE: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 2;

/// What was found out about one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// It stands there, and once.
    Good,
    /// It does not, or not as it should; what to do about it.
    Amiss(String),
    /// Nobody answered.
    Unknown(String),
}

/// Asks the resolver of this machine for MX, SPF (RFC 7208) and DMARC (RFC 7489) of a domain.
pub async fn look(domain: &str) -> Vec<Record> {
    match read_system_conf() {
        Ok((config, _)) => look_with(config, domain).await,
        Err(error) => vec![Record::Unknown(format!("the resolver's configuration: {error}"))],
    }
}

async fn look_with(config: ResolverConfig, domain: &str) -> Vec<Record> {
    let mut options = ResolverOpts::default();
    options.timeout = PATIENCE;
    options.attempts = ATTEMPTS;
    options.use_hosts_file = ResolveHosts::Never;
    let built =
        Resolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options).build();
    let resolver: TokioResolver = match built {
        Ok(resolver) => resolver,
        Err(error) => return vec![Record::Unknown(error.to_string())],
    };
    // With the dot at the end, no search domain is tried.
    let (host, policy) = (format!("{domain}."), format!("_dmarc.{domain}."));
    let (mx, spf, dmarc) = tokio::join!(
        resolver.mx_lookup(host.as_str()),
        resolver.txt_lookup(host.as_str()),
        resolver.txt_lookup(policy.as_str())
    );
    vec![
        exchanger(domain, mx),
        text("SPF", "v=spf1", domain, spf),
        text("DMARC", "v=DMARC1", &format!("_dmarc.{domain}"), dmarc),
    ]
}

/// Bounces and answers need a way back.
fn exchanger(domain: &str, answer: Result<Lookup, NetError>) -> Record {
    let names =
        match entries(
            answer,
            |data| if let RData::MX(mx) = data { Some(mx.exchange.to_string()) } else { None },
        ) {
            Ok(names) => names,
            Err(reason) => return Record::Unknown(format!("MX of {domain}: {reason}")),
        };
    if names.is_empty() {
        Record::Amiss(format!("{domain} has no MX record: answers and bounces may find no way back"))
    } else if names.iter().all(|name| name == ".") {
        Record::Amiss(format!(
            "{domain} says that it takes no mail (a null MX): answers and bounces are lost"
        ))
    } else {
        Record::Good
    }
}

/// A policy that must stand in exactly one text record.
fn text(what: &str, start: &str, name: &str, answer: Result<Lookup, NetError>) -> Record {
    let texts =
        match entries(
            answer,
            |data| if let RData::TXT(txt) = data { Some(txt.txt_data.concat()) } else { None },
        ) {
            Ok(texts) => texts,
            Err(reason) => return Record::Unknown(format!("{what} at {name}: {reason}")),
        };
    match texts.iter().filter(|text| is_policy(text, start)).count() {
        0 => Record::Amiss(format!("{name} has no {what} record ({start} …): letters are taken for spam")),
        1 => Record::Good,
        many => {
            Record::Amiss(format!("{name} has {many} {what} records, and counts as having none: keep one"))
        }
    }
}

/// Whether a record begins with the version and nothing more of that word; `v=spf10` is no SPF record.
fn is_policy(text: &[u8], start: &str) -> bool {
    let Some((version, rest)) = text.split_at_checked(start.len()) else { return false };
    version.eq_ignore_ascii_case(start.as_bytes())
        && rest.first().is_none_or(|next| matches!(next, b' ' | b';'))
}

fn entries<T>(
    answer: Result<Lookup, NetError>,
    pick: impl Fn(&RData) -> Option<T>,
) -> Result<Vec<T>, String> {
    match answer {
        Ok(found) => Ok(found.answers().iter().filter_map(|record| pick(&record.data)).collect()),
        Err(error) if error.is_no_records_found() || error.is_nx_domain() => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    use hickory_resolver::config::{ConnectionConfig, NameServerConfig};
    use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
    use hickory_resolver::proto::rr::rdata::{MX, TXT};
    use hickory_resolver::proto::rr::{self, Name, RecordType};
    use tokio::net::UdpSocket;

    use super::*;

    type Zone = fn(&str, RecordType) -> Option<Vec<RData>>;

    /// A name server that knows one zone; what is `None` there does not exist.
    async fn name_server(zone: Zone) -> SocketAddr {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let asked = Message::from_vec(&buffer[..length]).unwrap();
                let query = asked.queries[0].clone();
                let mut answer = Message::response(asked.metadata.id, OpCode::Query);
                match zone(&query.name().to_string(), query.query_type()) {
                    Some(all) => {
                        for data in all {
                            answer.add_answer(rr::Record::from_rdata(query.name().clone(), 60, data));
                        }
                    }
                    None => answer.metadata.response_code = ResponseCode::NXDomain,
                }
                answer.add_query(query);
                socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
            }
        });
        address
    }

    async fn asked(address: SocketAddr) -> Vec<Record> {
        let mut connection = ConnectionConfig::udp();
        connection.port = address.port();
        let server = NameServerConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), true, vec![connection]);
        look_with(ResolverConfig::from_name_servers(vec![server]), "example.com").await
    }

    fn txt(text: &str) -> RData {
        RData::TXT(TXT::new(vec![text.to_owned()]))
    }

    fn mx(name: &str) -> RData {
        RData::MX(MX::new(10, Name::from_ascii(name).unwrap()))
    }

    #[tokio::test]
    async fn a_domain_that_is_set_up_is_good() {
        let address = name_server(|name, kind| match (name, kind) {
            ("example.com.", RecordType::MX) => Some(vec![mx("mail.example.com.")]),
            ("example.com.", RecordType::TXT) => Some(vec![txt("verification=1"), txt("v=spf1 mx -all")]),
            ("_dmarc.example.com.", RecordType::TXT) => Some(vec![txt("v=DMARC1; p=reject")]),
            _ => None,
        });
        assert_eq!(asked(address.await).await, [Record::Good, Record::Good, Record::Good]);
    }

    #[tokio::test]
    async fn each_missing_record_is_named_with_where_it_belongs() {
        let address = name_server(|_, _| None).await;
        let texts: Vec<String> = asked(address)
            .await
            .into_iter()
            .map(
                |record| if let Record::Amiss(text) = record { text } else { panic!("taken for {record:?}") },
            )
            .collect();
        assert!(texts[0].contains("example.com has no MX"), "{}", texts[0]);
        assert!(texts[1].contains("example.com has no SPF record (v=spf1 …)"), "{}", texts[1]);
        assert!(texts[2].contains("_dmarc.example.com has no DMARC record (v=DMARC1 …)"), "{}", texts[2]);
    }

    #[tokio::test]
    async fn two_policies_count_as_none_and_a_null_mx_takes_no_answers() {
        let address = name_server(|name, kind| match (name, kind) {
            ("example.com.", RecordType::MX) => Some(vec![mx(".")]),
            ("example.com.", RecordType::TXT) => Some(vec![txt("v=spf1 -all"), txt("V=SPF1 mx -all")]),
            (_, RecordType::TXT) => Some(vec![txt("v=DMARC10; p=reject")]),
            _ => None,
        });
        let records = asked(address.await).await;
        assert!(records.iter().all(|record| matches!(record, Record::Amiss(_))), "{records:?}");
    }

    #[tokio::test]
    async fn silence_is_not_taken_for_a_missing_record() {
        // Nobody listens there: the port was given back.
        let address = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
        let records = asked(address).await;
        assert!(records.iter().all(|record| matches!(record, Record::Unknown(_))), "{records:?}");
    }
}
