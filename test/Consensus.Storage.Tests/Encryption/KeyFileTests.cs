using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Storage.Encryption;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Encryption;

/// <summary>Key files on a real disk: which are refused, and what a new one changes.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class KeyFileTests
{
    private const string Label = "--encryption-key keys";
    private string _root = "";
    private string _data = "";
    private string _file = "";

    [SetUp]
    public void MakeDirectory()
    {
        _root = Directory.CreateTempSubdirectory("consensus-keys-").FullName;
        _data = Path.Combine(_root, "data");
        _file = Path.Combine(_root, "keys");
        Write(Make.KeyFile);
    }

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_root, recursive: true);

    [TestCase("", "--encryption-key keys holds no key")]
    [TestCase("# nothing\n\n", "--encryption-key keys holds no key")]
    [TestCase("plain\n", "--encryption-key keys holds no key")]
    [TestCase("k1", "line 1 is no key")]
    [TestCase("k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", "line 1 is no key")]
    [TestCase("k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g", "line 1 is no key")]
    [TestCase("k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh", "line 1 is no key")]
    [TestCase("k1 not-base64", "line 1 is no key")]
    [TestCase("k/1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "line 1 is no key")]
    [TestCase(Make.KeyFile + "\nplain", "line 2 is no key")]
    [TestCase(Make.KeyFile + "\nsealed", "line 2 is no key")]
    [TestCase("sealed\nplain\n" + Make.KeyFile, "line 2 is no key")]
    [TestCase("sealed\n", "--encryption-key keys holds no key")]
    [TestCase(Make.KeyFile + "\n" + Make.KeyFile, "line 2 has the id k1, which line 1 has too")]
    public void A_key_file_that_is_not_one_is_refused_without_a_word_of_what_it_holds(string text, string sentence)
    {
        Write(text);
        Assert.That(Load, Throws.TypeOf<StorageRefusedException>().With.Message.StartsWith(Label).And.Message.Contains(sentence)
            .And.Message.Not.Contains("AAEC"));
    }

    [Test]
    public void Blanks_comments_and_other_line_ends_are_no_harm()
    {
        Write("# of 2026\r\n\r\n\t" + Make.SecondKeyLine + " \r\n" + Make.KeyFile);
        Assert.That(Load().Seals);
    }

    [TestCase(UnixFileMode.OtherRead, "0604")]
    [TestCase(UnixFileMode.OtherWrite, "0602")]
    [TestCase(UnixFileMode.GroupWrite, "0620")]
    public void A_key_file_of_others_is_refused(UnixFileMode mode, string says)
    {
        File.SetUnixFileMode(_file, mode | UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.That(Load, Throws.TypeOf<StorageRefusedException>()
            .With.Message.EqualTo($"{Label} can be read or written by others ({says}): chmod 600 {_file}"));
    }

    [Test]
    public void A_key_file_that_its_group_may_read_is_taken()
    {
        File.SetUnixFileMode(_file, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.That(Load().Seals);
    }

    [Test]
    public void A_key_file_that_is_not_there_is_told()
    {
        File.Delete(_file);
        Assert.That(Load, Throws.TypeOf<StorageRefusedException>().With.Message.StartsWith(Label + " cannot be read"));
        Directory.CreateDirectory(_file);
        Assert.That(Load, Throws.TypeOf<StorageRefusedException>().With.Message.StartsWith(Label + " cannot be read"));
    }

    [Test]
    public void What_is_no_regular_file_is_refused_and_never_waited_for()
    {
        File.Delete(_file);
        TemporaryDirectory.MakeFifo(_file);
        Assert.That(Load, Throws.TypeOf<StorageRefusedException>().With.Message.EqualTo($"{Label} cannot be read: it is no regular file"));
    }

    [Test]
    public void A_key_file_in_the_data_directory_is_refused_whichever_links_lead_there()
    {
        Directory.CreateDirectory(_data);
        var inside = Path.Combine(_data, "keys");
        File.Copy(_file, inside);
        File.SetUnixFileMode(inside, UnixFileMode.UserRead);
        var link = Path.Combine(_root, "link");
        File.CreateSymbolicLink(link, inside);
        var other = Path.Combine(_root, "other");
        Directory.CreateSymbolicLink(other, _data);
        var outside = Path.Combine(_data, "outside");
        File.CreateSymbolicLink(outside, _file);
        var through = Path.Combine(other, "keys");
        foreach (var (file, data) in new[]
        {
            (inside, _data), (link, _data), (inside, other), (through, _data), (link, other), (outside, _data),
        })
        {
            Assert.That(() => KeyRing.Load(file, Label, data), Throws.TypeOf<StorageRefusedException>()
                .With.Message.Contains("lies in the data directory"), $"{file} and {data}");
        }
        Assert.That(KeyRing.Load(_file, Label, _data).Seals);
    }

    [Test]
    public void A_key_file_is_taken_before_its_data_directory_is_there() =>
        Assert.That(KeyRing.Load(_file, Label, Path.Combine(_data, "n1")).Seals);

    [Test]
    public void A_new_first_key_is_used_from_the_next_file_on_and_said_once()
    {
        var keys = Load();
        Assert.That(keys.Look(), Is.Null);
        using (var member = OpenMember.Start(new SimulatedDisk(1), options: OpenMember.SmallSegments with { Keys = keys }))
        {
            Write(Make.SecondKeyLine + "\n" + Make.KeyFile);
            Assert.That(keys.Look(), Is.EqualTo($"{Label} is read anew: new files are sealed with the key k2"));
            Assert.That(keys.Look(), Is.Null);
            OpenMember.SaveSnapshot(member.Snapshots, Make.Mark(1, 1), 1);
            Assert.That(keys.Files.KeysInUse, Is.EqualTo(new[] { "k1", "k2" }));
        }
        Assert.That(keys.Trouble, Is.Null);
    }

    [Test]
    public void A_file_that_cannot_be_used_changes_nothing_and_is_told_once_until_it_is_right_again()
    {
        var keys = Load();
        using var member = OpenMember.Start(new SimulatedDisk(1), options: OpenMember.SmallSegments with { Keys = keys });
        foreach (var (text, says) in new[]
        {
            (Make.KeyFile[..20], "line 1 is no key"),
            ("", "holds no key"),
            (Make.SecondKeyLine, "lacks the key k1, with which files of the data directory are encrypted"),
            (Make.SecondKeyLine.Replace("k2", "k1", StringComparison.Ordinal), "the key k1 is another than before"),
        })
        {
            Write(text);
            Assert.That(keys.Look(), Does.Contain(says).And.EndsWith("the keys of before are used"));
            Assert.That(keys.Trouble, Does.Contain(says));
            Assert.That(keys.Look(), Is.Null, "once");
            OpenMember.SaveSnapshot(member.Snapshots, Make.Mark(1, 1), 1);
            member.Snapshots.Open(Make.Mark(1, 1)).Dispose();
            Assert.That(keys.Files.KeysInUse, Is.EqualTo(new[] { "k1" }));
        }
        Write(Make.KeyFile);
        Assert.That(keys.Look(), Is.EqualTo($"{Label} is as it was again"));
        Assert.That(keys.Trouble, Is.Null);
    }

    [Test]
    public void That_all_is_sealed_is_taken_once_no_file_is_in_plain()
    {
        Write("plain\n" + Make.KeyFile);
        var keys = Load();
        using var member = OpenMember.Start(new SimulatedDisk(1), options: OpenMember.SmallSegments with { Keys = keys });
        OpenMember.SaveSnapshot(member.Snapshots, Make.Mark(1, 1), 1);
        Write("sealed\n" + Make.KeyFile);
        Assert.That(keys.Look(), Is.EqualTo(
            $"{Label} says that all is sealed, and 2 files of the data directory are in plain: wait until status names none; "
            + "the keys of before are used"));
        Write(Make.KeyFile);
        keys.Look();
        for (var index = 1; keys.Files.PlainSegments > 0; index++)
        {
            member.Append(Make.Entry(index, 1, 1000));
            if (index % 8 == 0)
            {
                member.TakeSnapshot(Make.Mark(index, 1));
                member.Snapshots.RemoveOlderThan(Make.Mark(index, 1));
                member.Compact(new LogIndex(index));
            }
        }
        Write("sealed\n" + Make.KeyFile);
        keys.Look();
        Assert.That(keys.Trouble, Is.Null);
    }

    [Test]
    public void A_key_that_no_file_needs_can_be_taken_away()
    {
        Write(Make.KeyFile + "\n" + Make.SecondKeyLine);
        var keys = Load();
        using var member = OpenMember.Start(new SimulatedDisk(1), options: OpenMember.SmallSegments with { Keys = keys });
        Write(Make.KeyFile);
        Assert.That(keys.Look(), Does.Contain("is read anew"));
    }

    [Test]
    public void A_key_of_a_file_that_is_being_written_is_in_use_until_it_is_whole_or_given_up([Values] bool isWhole)
    {
        var keys = Load();
        using var member = OpenMember.Start(new SimulatedDisk(1), options: OpenMember.SmallSegments with { Keys = keys });
        Write(Make.SecondKeyLine + "\n" + Make.KeyFile);
        keys.Look();
        var mark = Make.Mark(1, 1);
        void Save() => member.Snapshots.Save(mark, sink =>
        {
            sink.Section(0, [1]);
            AssertInUse("while it is written");
            _ = isWhole ? 0 : throw new OperationCanceledException();
        });
        Assert.That(Save, isWhole ? Throws.Nothing : Throws.InstanceOf<OperationCanceledException>());
        if (isWhole)
        {
            AssertInUse("the file is there");
            member.Snapshots.Open(mark).Dispose();
        }
        else
        {
            AssertNotInUse();
        }

        void AssertInUse(string why)
        {
            Assert.That(keys.Files.KeysInUse, Is.EqualTo(new[] { "k1", "k2" }), why);
            Write(Make.KeyFile);
            keys.Look();
            Assert.That(keys.Trouble, Does.Contain("lacks the key k2"), why);
            Write(Make.SecondKeyLine + "\n" + Make.KeyFile);
            keys.Look();
        }

        void AssertNotInUse()
        {
            Assert.That(keys.Files.KeysInUse, Is.EqualTo(new[] { "k1" }));
            Write(Make.KeyFile);
            Assert.That(keys.Look(), Does.Contain("is read anew"));
        }
    }

    [Test]
    public void A_key_of_a_snapshot_that_is_on_its_way_in_is_in_use()
    {
        var keys = Load();
        using var member = OpenMember.Start(new SimulatedDisk(1), options: OpenMember.SmallSegments with { Keys = keys });
        using var leader = OpenMember.Start(new SimulatedDisk(2));
        var mark = Make.Mark(1, 1);
        OpenMember.SaveSnapshot(leader.Snapshots, mark, 3);
        using var raw = leader.Snapshots.OpenRaw(mark);
        var bytes = new byte[raw.Length];
        raw.ReadExactly(bytes);
        Write(Make.SecondKeyLine + "\n" + Make.KeyFile);
        keys.Look();
        using (var incoming = member.Snapshots.Receive(mark, bytes.Length))
        {
            incoming.Write(bytes);
            Write(Make.KeyFile);
            keys.Look();
            Assert.That(keys.Trouble, Does.Contain("lacks the key k2"));
        }
        keys.Look();
        Assert.That(keys.Trouble, Is.Null, "it was given up");
    }

    [Test]
    public void A_key_that_is_out_of_use_is_zeroed_and_prints_nothing_of_itself()
    {
        var keys = Load();
        var old = keys.Keys.First!;
        Assert.That(old.ToString(), Is.EqualTo("k1"));
        Assert.That(old.Secret.Sum(value => value), Is.Positive);
        Write(Make.SecondKeyLine);
        keys.Look();
        Assert.That(old.Secret, Is.All.Zero);
        Assert.That(keys.Keys.First!.Secret.Sum(value => value), Is.Positive);
    }

    private KeyRing Load() => KeyRing.Load(_file, Label, _data);

    private void Write(string text)
    {
        File.WriteAllText(_file, text);
        File.SetUnixFileMode(_file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
