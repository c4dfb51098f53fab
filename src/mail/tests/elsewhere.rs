//! The ways that are not SMTP: a folder, and memory.

use std::os::unix::fs::PermissionsExt as _;

use super::smtp::message;
use crate::mail::{MailError, MailSettings, Mailer, Reason, Verdict};

#[tokio::test]
async fn a_folder_gets_one_private_file_a_letter() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("var/mail");
    let settings = MailSettings { folder: Some(folder.clone()), ..MailSettings::default() };
    let mailer = Mailer::from_config(&settings).ok().unwrap();
    assert!(mailer.probe().await.is_ok());
    for _ in 0..2 {
        assert_eq!(mailer.send(&message()).await, Verdict::Accepted);
    }
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(files, [folder.join("0193a5f2-7c1e-7b52-9d2a-5f1f0c2b8e11.eml")]);
    assert_eq!(std::fs::read(&files[0]).unwrap(), message().bytes());
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&files[0]), mode(&folder)), (0o600, 0o700));

    std::fs::remove_dir_all(&folder).unwrap();
    let verdict = mailer.send(&message()).await;
    assert!(matches!(&verdict, Verdict::Deferred(reason) if reason.is_ours), "{verdict:?}");
    assert!(mailer.probe().await.is_err());
}

#[tokio::test]
async fn memory_answers_as_it_was_told() {
    let (mailer, memory) = Mailer::memory();
    let away = Verdict::Deferred(Reason::new("away"));
    let gone = Verdict::Bounced(Reason::new("gone").with_code(550));
    memory.answer_next(away.clone());
    memory.answer_next(gone.clone());
    assert_eq!(mailer.send(&message()).await, away);
    assert_eq!(mailer.send(&message()).await, gone);
    assert!(memory.sent().is_empty());
    assert_eq!(mailer.send(&message()).await, Verdict::Accepted);
    assert_eq!(memory.sent()[0].to, "ada@example.com");
    assert_eq!(memory.take().len(), 1);

    memory.answer_always(Some(away.clone()));
    assert_eq!(mailer.send(&message()).await, away);
    memory.answer_always(None);
    assert_eq!(mailer.send(&message()).await, Verdict::Accepted);
    assert_eq!(memory.sent().len(), 1);
    assert!(mailer.probe().await.is_ok());
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let refusal = |settings: &MailSettings| Mailer::from_config(settings).err().unwrap();
    let mut settings = MailSettings { transport: "pigeon".to_owned(), ..MailSettings::default() };
    assert!(matches!(refusal(&settings), MailError::UnknownTransport));
    "folder".clone_into(&mut settings.transport);
    assert!(matches!(refusal(&settings), MailError::NoFolder));
    settings.folder = Some("/dev/null/mail".into());
    assert!(matches!(refusal(&settings), MailError::Folder(_)));
    "smtp".clone_into(&mut settings.transport);
    assert!(matches!(refusal(&settings), MailError::NoUrl));
    settings.url = Some("smtp://mail.example".into());
    assert!(matches!(refusal(&settings), MailError::PlainAcrossNetwork));
    settings.url = Some("smtp://127.0.0.1".into());
    "desk\r\nMAIL".clone_into(&mut settings.hello);
    assert!(matches!(refusal(&settings), MailError::BadHello));
    "desk.example".clone_into(&mut settings.hello);
    settings.connections = 0;
    assert!(matches!(refusal(&settings), MailError::Connections));
}
