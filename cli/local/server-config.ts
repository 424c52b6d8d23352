// The configuration of a nats-server that Millrace starts itself. Pure.

/** `machine`: an acknowledged write survives a power cut (J10). `process`: it survives the death of any process only. */
export type Durability = 'machine' | 'process';

export type ServerConfig = {
  readonly serverName: string;
  readonly port: number;
  readonly storeFolder: string;
  readonly durability: Durability;
  readonly maxPayloadBytes: number;
};

/** Large records are what makes commits cheap (guide: docs/protocol.md); the server's own default is 1 MB. */
export const maxPayloadBytesDefault = 8 * 1024 * 1024;

/** The server must not refuse a client whose acknowledgements wait for the disk. */
const maxPendingBytes = 256 * 1024 * 1024;

/** The text of nats-server's configuration file. */
export function serverConfigText(config: ServerConfig): string {
  const sync = config.durability === 'machine' ? 'sync_interval: always' : 'sync_interval: "2m"';
  return `# Written by Millrace at each start; changes are lost.
server_name: ${JSON.stringify(config.serverName)}
listen: "127.0.0.1:${config.port}"
max_payload: ${config.maxPayloadBytes}
max_pending: ${Math.max(maxPendingBytes, 4 * config.maxPayloadBytes)}
jetstream {
  store_dir: ${JSON.stringify(config.storeFolder)}
  ${sync}
  max_memory_store: 268435456
}
`;
}
