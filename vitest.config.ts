// Which tests there are: `unit` touches no server and no network; `integration` starts a real nats-server; `cluster` a real
// Kubernetes API server; `e2e` has a whole cluster (test/cluster).
import { defineConfig } from 'vitest/config';

const generated = ['**/node_modules/**', '**/.cache/**', 'out/**', 'coverage/**'];
const integration = ['test/integration/**/*.test.ts', '**/*.integration.test.ts'];
const cluster = ['**/*.cluster.test.ts'];
const e2e = ['test/e2e/**/*.test.ts'];
/** Builds KEDA, which takes many minutes: by choice only. */
const byChoice = process.env['MILLRACE_KEDA'] === undefined ? ['test/e2e/keda.test.ts'] : [];
const setupFiles = ['test/support/property-seed.ts'];
/** How long a test waits for what must come about: on a machine that is five times slower, has much else to do, and stalls for seconds. Who
 *  waits in vain fails all the same, only later. */
const POLL_MS = 90_000;

export default defineConfig({
  test: {
    maxWorkers: 2,
    teardownTimeout: 20_000,
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles,
          include: ['**/*.test.ts'],
          exclude: [...generated, ...integration, ...cluster, ...e2e],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          expect: { poll: { timeout: 60_000 } },
        },
      },
      {
        test: {
          name: 'integration',
          setupFiles,
          include: integration,
          exclude: [...generated, ...cluster],
          testTimeout: 300_000,
          hookTimeout: 180_000,
          expect: { poll: { timeout: POLL_MS } },
        },
      },
      {
        test: {
          name: 'cluster',
          include: cluster,
          exclude: generated,
          globalSetup: 'test/support/cluster-setup.ts',
          testTimeout: 400_000,
          hookTimeout: 400_000,
          expect: { poll: { timeout: POLL_MS } },
        },
      },
      {
        test: {
          name: 'e2e',
          include: e2e,
          exclude: [...generated, ...byChoice],
          globalSetup: 'test/e2e/setup.ts',
          testTimeout: 600_000,
          hookTimeout: 600_000,
          expect: { poll: { timeout: POLL_MS } },
          fileParallelism: false,
        },
      },
    ],
  },
});
