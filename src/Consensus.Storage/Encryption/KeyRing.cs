using Consensus.Node.Ports;
using Consensus.Primitives.Wire;

namespace Consensus.Storage.Encryption;

/// <summary>The keys that data at rest is sealed and opened with, as their file has them now. Any thread.</summary>
public sealed class KeyRing
{
    private readonly Lock _looking = new();
    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly string _label;
    private readonly string? _dataDirectory;
    private string? _trouble;

    private KeyRing(string path, string label, string? dataDirectory, KeySet keys) =>
        (_path, _label, _dataDirectory, Keys) = (path, label, dataDirectory, keys);

    /// <summary>Which files of the data directory are sealed with which key.</summary>
    public SealedFiles Files { get; } = new();

    /// <summary>Why the key file is not used as it is now, so that the keys of before are; null when it is used.</summary>
    public string? Trouble
    {
        get
        {
            lock (_gate)
            {
                return _trouble;
            }
        }
    }

    /// <summary>Of the file as it was last found right.</summary>
    internal KeySet Keys { get; private set; }

    /// <summary>What is written now is sealed.</summary>
    internal bool Seals
    {
        get
        {
            lock (_gate)
            {
                return Keys.First is not null;
            }
        }
    }

    /// <summary>
    /// Whether a file of the data directory may be what it is. Throws <see cref="WireFormatException"/>, as the end of a sentence about the
    /// file, when it is in plain and the key file says that none is.
    /// </summary>
    /// <param name="keyId">With which it is sealed; null: it is in plain.</param>
    internal void Demand(string? keyId)
    {
        lock (_gate)
        {
            if (keyId is null && !Keys.OpensPlain)
            {
                throw new WireFormatException(
                    $"is in plain, and the first line of {_label} says that all is sealed: "
                    + "somebody put it there, or it is of before that was so");
            }
        }
    }

    /// <summary>
    /// Reads a key file. Throws <see cref="StorageRefusedException"/>, one sentence that begins with <paramref name="label"/>.
    /// </summary>
    /// <param name="label">What sentences call it: the option and the file.</param>
    /// <param name="dataDirectory">Where it may not lie; null where there is none.</param>
    public static KeyRing Load(string path, string label, string? dataDirectory = null) =>
        new(path, label, dataDirectory, KeyFile.Read(path, label, dataDirectory));

    internal static KeyRing Of(string text, string label = "the key file") =>
        new("", label, null, KeySet.Parse(System.Text.Encoding.UTF8.GetBytes(text), label));

    /// <summary>
    /// Looks into the file again. New keys are used from the next file that is begun; a file that cannot be used, or lacks a key that data
    /// on the disk needs, changes nothing and is <see cref="Trouble"/>.
    /// </summary>
    /// <returns>What to tell the operator; null when nothing is new.</returns>
    public string? Look()
    {
        lock (_looking)
        {
            // Outside the gate: the log's thread draws a key behind it, and must not wait for the disk that the file is on.
            var found = Find(out var refusal);
            lock (_gate)
            {
                return found is null ? Keep(refusal) : Take(found);
            }
        }
    }

    /// <summary>
    /// Draws a data key for a new file; null when what is written now is plain. Until what it gives is disposed of, the file's key is one in
    /// use: by then the file is added under its name, or given up.
    /// </summary>
    /// <param name="context">What the file's header says beside.</param>
    internal FileCipher? Draw(ReadOnlySpan<byte> context, out SealedKey? carried)
    {
        lock (_gate)
        {
            carried = null;
            return Keys.First is { } key ? FileCipher.Draw(key, context, out carried, Files) : null;
        }
    }

    /// <summary>Opens the data key of a file. Throws <see cref="WireFormatException"/>, as the end of a sentence about the file.</summary>
    internal FileCipher Open(SealedKey carried, ReadOnlySpan<byte> context)
    {
        lock (_gate)
        {
            var key = Keys.Find(carried.KeyId)
                ?? throw new WireFormatException(
                    $"is encrypted with the key {carried.KeyId}, which {_label} does not hold: put that key back there");
            return FileCipher.Of(key, carried, context)
                ?? throw new WireFormatException(
                    $"cannot be opened with the key {key.Id} of {_label}: "
                    + $"its header was changed, or {key.Id} is another key than it was sealed with");
        }
    }

    private KeySet? Find(out string refusal)
    {
        refusal = "";
        try
        {
            return KeyFile.Read(_path, _label, _dataDirectory);
        }
        catch (StorageRefusedException e)
        {
            refusal = e.Message;
            return null;
        }
    }

    private string? Take(KeySet found)
    {
        if (WhyNot(found) is { } why)
        {
            found.Zero();
            return Keep(why);
        }
        var isNew = !found.IsSameAs(Keys);
        var wasTrouble = _trouble is not null;
        _trouble = null;
        (isNew ? Keys : found).Zero();
        if (isNew)
        {
            Keys = found;
            var what = found.First is { } first ? $"new files are sealed with the key {first.Id}" : "new files are written in plain";
            return $"{_label} is read anew: {what}";
        }
        return wasTrouble ? $"{_label} is as it was again" : null;
    }

    private string? WhyNot(KeySet found)
    {
        if (Keys.FirstThatDiffers(found) is { } differing)
        {
            return $"{_label}: the key {differing.Id} is another than before: give a new key a new id";
        }
        if (!found.OpensPlain && Files.PlainSegments + Files.PlainSnapshots is > 0 and var plain)
        {
            return $"{_label} says that all is sealed, and {plain} files of the data directory are in plain: wait until status names none";
        }
        var missing = Files.KeysInUse.FirstOrDefault(id => found.Find(id) is null);
        return missing is null ? null
            : $"{_label} lacks the key {missing}, with which files of the data directory are encrypted: "
                + "put it back until status names it no more";
    }

    private string? Keep(string trouble)
    {
        var isNew = _trouble != trouble;
        _trouble = trouble;
        return isNew ? $"{trouble}; the keys of before are used" : null;
    }
}
