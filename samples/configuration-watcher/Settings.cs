using Consensus.Client;

namespace Consensus.Samples.ConfigurationWatcher;

/// <summary>The settings under a prefix, as of one revision.</summary>
internal sealed class Settings(string prefix)
{
    private readonly SortedDictionary<string, string> _values = new(StringComparer.Ordinal);

    public void Replace(KeyList list)
    {
        _values.Clear();
        foreach (var entry in list.Items)
        {
            _values[entry.Key[prefix.Length..]] = entry.Text;
        }
    }

    /// <summary>All changes of one revision together: nobody sees half of a transaction.</summary>
    public void Apply(KeyChanges changes)
    {
        foreach (var change in changes.Changes)
        {
            var name = change.Key[prefix.Length..];
            if (change.Entry is { } entry)
            {
                _values[name] = entry.Text;
            }
            else
            {
                _values.Remove(name);
            }
        }
    }

    public override string ToString() => _values.Count == 0 ? "(none)" : string.Join(' ', _values.Select(pair => $"{pair.Key}={pair.Value}"));
}
