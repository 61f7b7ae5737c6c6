using System.Text;
using Consensus.Primitives;
using Consensus.StateMachine.Policies;

namespace Consensus.StateMachine.Tables;

/// <summary>
/// Whoever asked lately, each once: what is stored of one who asks often shares the texts. It is no part of the replicated state. Beyond so
/// many it begins anew; then a text may be there twice, which nothing is judged by.
/// </summary>
internal sealed class Actors
{
    private const int Most = 20_000;

    private readonly Dictionary<string, Actor> _byPrincipal = new(StringComparer.Ordinal);

    /// <param name="principal">As an entry has it.</param>
    public Actor Of(string principal)
    {
        if (principal.Length == 0)
        {
            return Actor.Nobody;
        }
        if (!_byPrincipal.TryGetValue(principal, out var actor))
        {
            if (_byPrincipal.Count >= Most)
            {
                _byPrincipal.Clear();
            }
            actor = Actor.Of(principal);
            _byPrincipal.Add(principal, actor);
        }
        return actor;
    }

    /// <summary>The same name, as it is stored elsewhere.</summary>
    public string NameOf(string name) => Of(name).Name;

    /// <summary>Adds a name to the hash of a record; nothing where it is empty.</summary>
    public static StateHash AddTo(StateHash hash, string name)
    {
        if (name.Length == 0)
        {
            return hash;
        }
        var size = Encoding.UTF8.GetByteCount(name);
        Span<byte> bytes = size <= 1024 ? stackalloc byte[size] : new byte[size];
        Encoding.UTF8.GetBytes(name, bytes);
        return hash.Add(bytes);
    }
}
