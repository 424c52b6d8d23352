// Which tests there are: `unit` touches no server and no network; `integration` starts a real nats-server.
import { defineConfig } from 'vitest/config';

const generated = ['**/node_modules/**', '**/.cache/**', 'out/**', 'coverage/**'];
const integration = ['test/integration/**/*.test.ts', '**/*.integration.test.ts'];

export default defineConfig({
  test: {
    maxWorkers: 2,
    teardownTimeout: 20_000,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...generated, ...integration],
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: integration,
          exclude: generated,
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
