using BenchmarkDotNet.Attributes;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Trees;

namespace Consensus.InnerBenchmarks.Index;

/// <summary>The table of keys: a copy-on-write ordered tree.</summary>
public class KeyTable
{
    private const int Drawn = 4096;
    private readonly CowTree<Key, KeyRecord> _tree = new();
    private readonly KeyRecord _record = new(Samples.Value(), Revision.Initial, Revision.Initial, 1, LeaseId.None);
    private readonly Key[] _keys = new Key[Drawn];
    private readonly Key[] _absent = new Key[Drawn];
    private int _next;

    [Params(1_000, 100_000)]
    public int Keys { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        for (var number = 0; number < Keys; number++)
        {
            _tree.Set(Samples.Key(2 * number), _record);
        }

        var random = new DeterministicRandom(11);
        for (var i = 0; i < Drawn; i++)
        {
            var number = (int)random.Next(Keys);
            _keys[i] = Samples.Key(2 * number);
            _absent[i] = Samples.Key((2 * number) + 1);
        }
    }

    [Benchmark]
    public bool Lookup() => _tree.TryGet(_keys[_next++ & (Drawn - 1)], out _);

    [Benchmark]
    public void Replace() => _tree.Set(_keys[_next++ & (Drawn - 1)], _record);

    /// <summary>After a reader took a view the path from the root to the leaf is copied.</summary>
    [Benchmark]
    public int ReplaceAfterView()
    {
        var view = _tree.Freeze();
        _tree.Set(_keys[_next++ & (Drawn - 1)], _record);
        return view.Count;
    }

    [Benchmark]
    public bool InsertAndRemove()
    {
        var key = _absent[_next++ & (Drawn - 1)];
        _tree.Set(key, _record);
        return _tree.Remove(key);
    }

    /// <summary>A page of 100 keys from somewhere in the middle.</summary>
    [Benchmark]
    public int PrefixScanOf100()
    {
        var count = 0;
        foreach (var (key, _) in _tree.Peek().From(_keys[_next++ & (Drawn - 1)]))
        {
            count += key.Length;
            if (count >= 100 * key.Length)
            {
                break;
            }
        }

        return count;
    }
}
