// What is in our images: which program of this repository becomes which file of which image. Pure.
//
//   I1. The worker's image holds the worker and nothing else: neither the operator nor a client of the Kubernetes API.

/** A program: where it begins in the sources, and its one file in the image. */
export type Program = { readonly entry: string; readonly file: string };
export type ImageName = 'operator' | 'worker';
export type ImageContent = {
  /** The first one is what the image runs. */
  readonly programs: readonly [Program, ...Program[]];
  /** The console's page lies beside the programs. */
  readonly hasPage: boolean;
  readonly exposedPorts: readonly string[];
};

export const images: Readonly<Record<ImageName, ImageContent>> = {
  operator: {
    programs: [
      { entry: 'operator/main.ts', file: 'operator.mjs' },
      { entry: 'operator/helm-test/main.ts', file: 'helm-test.mjs' },
    ],
    hasPage: true,
    exposedPorts: ['8080/tcp', '8082/tcp'],
  },
  worker: {
    programs: [
      { entry: 'runtime/pod/main.ts', file: 'worker.mjs' },
      { entry: 'runtime/adapters/otel/tracer-thread.ts', file: 'tracer-thread.mjs' },
    ],
    hasPage: false,
    exposedPorts: ['8081/tcp'],
  },
};

export const imageNames = Object.keys(images) as readonly ImageName[];

/** The host-like part of the names that images have when no registry is in play: it resolves nowhere. */
export const imageDomain = 'millrace.test';
export const programFolder = '/app';
/** The same path in both kinds of images: those made here and those made from the Dockerfiles. */
export const nodePath = '/usr/local/bin/node';
/** A user that owns nothing: 65532 is what images without a distribution call `nonroot`. */
export const userId = 65_532;

export function entrypointOf(name: ImageName): readonly string[] {
  return [nodePath, `${programFolder}/${images[name].programs[0].file}`];
}
