// Named places at which a test lets this process die, told as "name:nth:action".
//
// Without a setting a failpoint costs one call of an empty function. The names are the steps of the protocol; they
// are listed here so that a test can go through all of them.

export const FAILPOINTS = [
  'claim-send',
  'claimed',
  'restored',
  'stepped',
  'commit-send',
  'commit-acknowledged',
  'sink-apply',
  'sink-applied',
  'sink-finished',
  'checkpoint-store',
  'checkpoint-block',
  'checkpoint-stored',
] as const;

/** `name:nth:kill` ends the process by SIGKILL, `name:nth:stop` suspends it by SIGSTOP, at the nth time `name` is passed. */
export function makeFailpoint(setting: string | undefined): (name: string) => void {
  if (setting === undefined || setting === '') return () => undefined;
  const [wanted, nth, action] = setting.split(':');
  let left = Number(nth);
  return (name) => {
    if (name !== wanted || --left !== 0) return;
    process.kill(process.pid, action === 'stop' ? 'SIGSTOP' : 'SIGKILL');
  };
}
