// A job of five hundred stages behind a real console.

import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { type MadeUpJob, startMadeUpJob } from './made-up-job.ts';

const [LAYERS, WIDTH, SINKS, WORKERS] = [5, 99, 5, 4];

export function largePlan(): PhysicalPlan {
  const name = (layer: number, at: number): string => `stage-${layer}-${at}`;
  // Each layer keys anew, so that nothing is fused.
  const stages = Array.from({ length: LAYERS * WIDTH }, (_, i) => {
    const [layer, at] = [Math.floor(i / WIDTH), i % WIDTH];
    const from = layer === 0 ? 'events' : name(layer - 1, (at * 7 + layer) % WIDTH);
    return {
      name: name(layer, at),
      from,
      keyBy: layer === 0 ? `event.a + '${at}'` : layer % 2 === 0 ? 'event.a' : 'event.b',
      dedupe: { ttl: '1h' },
    };
  });
  const job = streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'large' },
    spec: {
      partitions: 2,
      sources: [
        {
          name: 'events',
          nats: { subjects: ['large'] },
          schema: { a: 'string', b: 'string', at: 'timestamp' },
          eventTime: { at: 'event.at' },
        },
      ],
      stages,
      sinks: Array.from({ length: SINKS }, (_, sink) => ({
        name: `out-${sink}`,
        from: Array.from({ length: WIDTH }, (_all, at) => name(LAYERS - 1, at)).filter((_name, at) => at % SINKS === sink),
        nats: { subject: `large.out-${sink}` },
      })),
    },
  });
  return planJob(job, {}, { deadLetterFile: false });
}

export function startLargeJob(): Promise<MadeUpJob> {
  return startMadeUpJob({ plan: largePlan(), workers: new Array<undefined>(WORKERS).fill(undefined) });
}
