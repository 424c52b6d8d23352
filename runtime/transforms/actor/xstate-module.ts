// All of XState as a module of its own, for user code that brings none: it must be the one that runs the machines.

export * from 'xstate';
