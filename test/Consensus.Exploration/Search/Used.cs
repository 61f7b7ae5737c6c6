using Consensus.Exploration.Models;
using Consensus.Primitives;

namespace Consensus.Exploration.Search;

/// <summary>How much of each bound was used, four bits for each.</summary>
internal readonly record struct Used(int Packed)
{
    private const int Bits = 4;
    private const int Most = (1 << Bits) - 1;

    public int Restarts => Get(0);

    public int Losses => Get(1);

    public int Doubles => Get(2);

    public int Proposals => Get(3);

    public int Reads => Get(4);

    public int Changes => Get(5);

    public int Notices => Get(6);

    public static Used Of(int packed) => new(packed);

    public Used With(Action action, Bounds bounds) => action.Kind switch
    {
        ActionKind.Restart => Plus(0),
        ActionKind.Lose => bounds.Losses == Bounds.AnyNumber ? this : Plus(1),
        ActionKind.HearAndKeep => Plus(2),
        ActionKind.Propose => Plus(3),
        ActionKind.Read => Plus(4),
        ActionKind.Change => Plus(5),
        ActionKind.Notice => Plus(6),
        _ => this,
    };

    private int Get(int place) => (Packed >> (place * Bits)) & Most;

    private Used Plus(int place)
    {
        Invariant.Require(Get(place) < Most, "no bound is past what is counted");
        return new Used(Packed + (1 << (place * Bits)));
    }
}
