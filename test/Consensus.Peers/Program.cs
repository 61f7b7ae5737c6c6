using Consensus.Peers.Serving;
using Consensus.Peers.Trials;

// One program for both, so that the trials start the very build that they belong to.
return args is ["trials", .. var rest]
    ? await TrialProgram.RunAsync(rest)
    : await DotNextServer.RunAsync(args);
