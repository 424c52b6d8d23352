// An expression that failed on one event. The transform that runs it makes a dead letter (MR3002) of the message.

export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}
