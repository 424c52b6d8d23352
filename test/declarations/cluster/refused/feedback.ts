// Refused by rules on feedback.
import { withStage, type Fields, type Manifest, type Refused } from '../sample.ts';

const keyed = (changes: Fields): Manifest => withStage({ keyBy: 'event.id', ...changes });
const aggregate = { n: { count: {} } };

export const feedback: readonly Refused[] = [
  {
    fact: 'feedback of a stage without a key',
    object: withStage({ map: 'event', feedback: { from: 'added' } }),
    says: 'feedback goes with aggregate without window, changelog, dedupe, machine and reduce',
  },
  {
    fact: 'feedback of a window',
    object: keyed({ window: { session: { gap: '1h' } }, aggregate, feedback: { from: 'added' } }),
    says: 'feedback goes with aggregate without window, changelog, dedupe, machine and reduce',
  },
  {
    fact: 'feedback by the clock',
    object: keyed({ dedupe: { ttl: '1h' }, processingTime: {}, feedback: { from: 'added' } }),
    says: 'what comes back by feedback keeps its time and waits for nothing',
  },
  {
    fact: 'feedback from what nobody gives out',
    object: keyed({ aggregate, feedback: { from: 'nobody' } }),
    says: 'added reads nobody',
  },
  {
    fact: 'feedback from a source',
    object: keyed({ aggregate, feedback: { from: 'events' } }),
    says: ['a source is before it', 'added'],
  },
  {
    fact: 'feedback without a round',
    object: keyed({ aggregate, feedback: { from: 'added', maxRounds: 0 } }),
    says: 'feedback.maxRounds',
  },
  {
    fact: 'two feedbacks',
    object: keyed({ aggregate, feedback: [{ from: 'added' }, { from: 'added' }] }),
    says: 'feedback',
  },
];
