// What most tests of the operator begin with: an API server, NATS, one namespace and an operator for it.
import { afterAll, beforeAll } from 'vitest';
import { endPods } from '../../../runtime/pod/pod-harness.ts';
import { until } from '../../support/until.ts';
import { ControlPlane } from './control-plane.ts';
import { OperatorProcess } from './operator-process.ts';
import { WriteProxy } from './write-proxy.ts';

export type OperatedNamespace = {
  readonly plane: ControlPlane;
  /** Between the operator and the API server. */
  readonly proxy: WriteProxy;
  readonly operator: OperatorProcess;
  /** Another one in its place; the one before has ended by then. */
  readonly startAnew: () => Promise<void>;
  /** Until the namespace's job, which asks for no workers, is ready under its first revision. */
  readonly jobIsReady: () => Promise<void>;
};

/** Begun before the tests of the file that calls this, and ended behind them, with the pods that they started. `environment`: of operators. */
export function operatedNamespace(namespace: string, environment: () => Readonly<Record<string, string>> = () => ({})): OperatedNamespace {
  const own: { plane?: ControlPlane; proxy?: WriteProxy; operator?: OperatorProcess } = {};
  const startOperator = async (): Promise<void> => {
    const [plane, proxy] = [own.plane!, own.proxy!];
    const place = { server: plane.api, apiUrl: proxy.url, natsUrl: plane.nats.url, namespace };
    own.operator = await OperatorProcess.start({ ...place, environment: environment() });
  };
  beforeAll(async () => {
    own.plane = await ControlPlane.start();
    own.proxy = await WriteProxy.start(own.plane.api);
    await own.plane.makeNamespace(namespace);
    await startOperator();
  });
  afterAll(async () => {
    await endPods();
    await own.operator?.end();
    await own.proxy?.stop();
    await own.plane?.stop();
  });
  return {
    get plane() {
      return own.plane!;
    },
    get proxy() {
      return own.proxy!;
    },
    get operator() {
      return own.operator!;
    },
    startAnew: async () => {
      await own.operator?.end();
      await startOperator();
    },
    jobIsReady: async () => {
      const isReady = async (): Promise<boolean> => (await own.plane!.readiness(namespace)) === 'ScaledToZero 1';
      await until('the job is ready', 180_000, isReady, () => own.operator!.log);
    },
  };
}
