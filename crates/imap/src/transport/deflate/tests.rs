use std::io::Write as _;

use flate2::write::DeflateEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use super::*;

/// Octets that compress badly.
fn noise(octets: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    })
    .take(octets)
    .collect()
}

/// Two ends that speak with each other through a pipe that takes few octets at once.
fn ends(pipe_octets: usize) -> [Deflate<tokio::io::DuplexStream>; 2] {
    let (one, other) = duplex(pipe_octets);
    [one, other].map(|end| Deflate::new(end, Bytes::new()))
}

#[tokio::test]
async fn what_is_flushed_arrives_without_more_being_sent() {
    let [mut client, mut server] = ends(64);
    for text in ["a1 NOOP\r\n", "a2 UID FETCH 1:* (FLAGS)\r\n", "a3 NOOP\r\n"] {
        client.write_all(text.as_bytes()).await.unwrap();
        client.flush().await.unwrap();
        let mut heard = vec![0; text.len()];
        server.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, text.as_bytes());
    }
}

#[tokio::test]
async fn long_messages_go_through_a_narrow_pipe_unchanged() {
    for octets in [noise(700_001), b"line of text\r\n".repeat(50_000)] {
        for pipe in [1, 7, 4096, 1 << 20] {
            let octets = if pipe == 1 { octets[..30_000].to_vec() } else { octets.clone() };
            let [mut client, mut server] = ends(pipe);
            let sending = async {
                client.write_all(&octets).await.unwrap();
                client.flush().await.unwrap();
                client.shutdown().await.unwrap();
                assert!(client.deflated.capacity() < 8 * UNSENT_OCTETS, "memory is constant");
            };
            let mut heard = Vec::new();
            let ((), read) = tokio::join!(sending, server.read_to_end(&mut heard));
            read.unwrap();
            assert!(heard == octets, "through {pipe} octets");
        }
    }
}

#[tokio::test]
async fn a_flush_without_anything_to_say_sends_nothing() {
    let (end, mut other) = duplex(1024);
    let mut client = Deflate::new(end, Bytes::new());
    client.write_all(b"hello").await.unwrap();
    for _ in 0..3 {
        client.flush().await.unwrap();
    }
    let once = other.read(&mut [0; 1024]).await.unwrap();
    client.flush().await.unwrap();
    drop(client);
    assert!(once > 0);
    assert_eq!(other.read(&mut [0; 1024]).await.unwrap(), 0);
}

#[tokio::test]
async fn what_was_read_before_is_inflated_first() {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(b"* OK behind the answer\r\n").unwrap();
    encoder.flush().unwrap();
    let sent = encoder.get_ref().clone();
    for at in 0..sent.len() {
        let (before, behind) = sent.split_at(at);
        let (end, mut other) = duplex(1024);
        other.write_all(behind).await.unwrap();
        let mut client = Deflate::new(end, Bytes::copy_from_slice(before));
        let mut heard = [0; 24];
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"* OK behind the answer\r\n", "split at {at}");
    }
}

#[tokio::test]
async fn damaged_data_is_an_error_and_the_end_an_end() {
    let (end, mut other) = duplex(1024);
    other.write_all(b"* BYE this is not compressed at all\r\n").await.unwrap();
    let mut client = Deflate::new(end, Bytes::new());
    let error = client.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains("compressed data is damaged"), "{error}");

    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(b"* BYE\r\n").unwrap();
    let ended = encoder.finish().unwrap();
    let mut client = Deflate::new(duplex(16).0, ended.into());
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"* BYE\r\n");
}
