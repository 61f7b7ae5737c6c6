namespace Consensus.Client.Hosting;

/// <summary>Carries the leadership into the scope of the service that runs under it.</summary>
internal sealed class LeadershipScope
{
    private LeadershipHandle? _handle;

    public LeadershipHandle Handle
    {
        get => _handle ?? throw new InvalidOperationException("There is a leadership only in the scope of a leader-elected service.");
        set => _handle = value;
    }
}

/// <summary>The election's name, as a type of its own so that it can be handed to a constructor.</summary>
internal sealed record LeaderElectedElection(string Name);
