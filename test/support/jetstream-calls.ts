// All that JetStream can be asked (nats-server/server/jetstream_api.go), as subjects: for tests of who may ask what.

/** Of a stream, its consumer `c`, and messages of a subject in it. */
export function callsOn(stream: string, subject: string): readonly string[] {
  const ofStream = ['INFO', 'CREATE', 'UPDATE', 'DELETE', 'PURGE', 'SNAPSHOT', 'RESTORE', 'NAMES', 'LIST'];
  const ofItsParts = ['MSG.GET', 'MSG.DELETE', 'PEER.REMOVE', 'LEADER.STEPDOWN'];
  const ofConsumer = ['CREATE', 'DURABLE.CREATE', 'INFO', 'DELETE', 'MSG.NEXT', 'PAUSE', 'LEADER.STEPDOWN', 'UNPIN', 'RESET'];
  return [
    ...[...ofStream, ...ofItsParts].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
    `$JS.API.DIRECT.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}.${subject}`,
    ...['CREATE', 'NAMES', 'LIST'].map((verb) => `$JS.API.CONSUMER.${verb}.${stream}`),
    ...ofConsumer.map((verb) => `$JS.API.CONSUMER.${verb}.${stream}.c`),
    `$JS.API.CONSUMER.CREATE.${stream}.c.${subject}`,
    `$JS.ACK.${stream}.c.1.1.1.1.0`,
    `$JS.FC.${stream}.c.x`,
  ];
}

/** Of no one stream. */
export const GENERAL_CALLS: readonly string[] = [
  '$JS.API.INFO',
  '$JS.API.STREAM.NAMES',
  '$JS.API.STREAM.LIST',
  '$JS.API.ACCOUNT.PURGE.J',
  '$JS.API.META.LEADER.STEPDOWN',
  '$JS.API.SERVER.REMOVE',
  '$SYS.REQ.SERVER.PING',
];
