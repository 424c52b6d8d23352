// Asks whoever listens on a local port whether it is a nats-server, which one, and whether its JetStream answers.
//
// Speaks the few words of the NATS protocol that this takes by itself: it also runs where the client must not wait or log.
import { connect } from 'node:net';

export type Greeting = { readonly serverName: string; readonly version: string; readonly hasJetStream: boolean };

const inbox = '_INBOX.millrace.greeting';
const question = `CONNECT {"verbose":false,"pedantic":false,"lang":"millrace","version":"0"}\r\nSUB ${inbox} 1\r\nPUB $JS.API.INFO ${inbox} 0\r\n\r\n`;

/**
 * The server's greeting, or null when no nats-server answers on 127.0.0.1:`port` within `timeoutMs`.
 * `hasJetStream` is true only when JetStream answered a request, not when it is merely configured.
 */
export function greet(port: number, timeoutMs: number): Promise<Greeting | null> {
  return new Promise((resolve) => {
    let received = '';
    let greeting: Greeting | null = null;
    const socket = connect({ host: '127.0.0.1', port });
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(greeting);
    };
    const timer = setTimeout(finish, timeoutMs);
    socket.on('error', finish);
    socket.on('close', finish);
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      if (greeting === null) {
        greeting = parseInfo(received);
        if (greeting !== null) socket.write(question);
      }
      const answer = answerOf(received);
      if (answer === null) return;
      if (greeting !== null) greeting = { ...greeting, hasJetStream: answer };
      finish();
    });
  });
}

function parseInfo(received: string): Greeting | null {
  const line = /^INFO (\{.*\})\s*\r\n/.exec(received)?.[1];
  if (line === undefined) return null;
  const info = JSON.parse(line) as { server_name?: string; version?: string };
  return { serverName: info.server_name ?? '', version: info.version ?? '', hasJetStream: false };
}

/** Whether JetStream answered well; null while there is no answer. Without JetStream nobody listens: a 503 status. */
function answerOf(received: string): boolean | null {
  if (received.includes(`HMSG ${inbox}`)) return false;
  const body = new RegExp(`\r\nMSG ${inbox.replaceAll('.', '\\.')} 1 \\d+\r\n(.*)\r\n`).exec(received)?.[1];
  if (body === undefined) return /\r\n-ERR/.test(received) ? false : null;
  return !body.includes('"error"');
}
