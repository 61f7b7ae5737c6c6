namespace Consensus.Cli.Completion;

/// <summary>Where the words that can stand in one place come from.</summary>
internal enum ValueKind
{
    /// <summary>Anything may stand there: nothing is offered.</summary>
    Free,

    /// <summary>One of a few words.</summary>
    Words,

    File,

    Directory,

    /// <summary>The name of a member, asked of the cluster.</summary>
    Member,

    /// <summary>The name of a process that waits to be added, asked of the cluster.</summary>
    Joiner,

    /// <summary>A command line of its own, from here to the end.</summary>
    CommandLine,
}
