// Loaded into eas-cli before it starts (NODE_OPTIONS=--require). Its GraphQL client sends a request again after a
// network error, also one that creates a submission: a lost answer would make two. All else is still sent again.
'use strict';
const Module = require('node:module');
const load = Module._load;
const creates = (operation) =>
  operation.kind === 'mutation' &&
  operation.query.definitions.some(
    (part) => part.kind === 'OperationDefinition' && !(part.name && /UploadSessionMutation$/.test(part.name.value))
  );
Module._load = function (request, ...rest) {
  const loaded = load.call(this, request, ...rest);
  if (request !== '@urql/exchange-retry' || typeof loaded.retryExchange !== 'function') {
    return loaded;
  }
  return {
    ...loaded,
    retryExchange: (options = {}) =>
      loaded.retryExchange({
        ...options,
        retryIf: (error, operation) =>
          !creates(operation) && (options.retryIf ? options.retryIf(error, operation) : !!error.networkError),
      }),
  };
};
