using System.Collections.Immutable;
using System.Reflection;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;

namespace Consensus.StateMachine.Tests.Policies;

/// <summary>
/// What each command needs. A field that names something and needs nothing is a way past every rule, so each is looked for.
/// </summary>
public sealed class AccessesTests
{
    /// <summary>Commands that members make themselves.</summary>
    private static readonly Type[] Inner =
    [
        typeof(CancelWaitCommand), typeof(ExpireCommand), typeof(NoteLeaderlessCommand), typeof(DetachWaitersCommand),
        typeof(DetachRequestsCommand), typeof(AnnounceMemberCommand),
        typeof(ForgetMemberCommand), typeof(ForgetTokensCommand), typeof(CompactCommand),
    ];

    /// <summary>
    /// Fields that name nothing that there is: values, times, counts, modes, and ids of what is about to be made. A new field is here, or
    /// is needed.
    /// </summary>
    private static readonly string[] Plain =
    [
        "PutCommand.Value", "PutCommand.Condition", "DeleteCommand.Condition",
        "GrantLeaseCommand.Id", "GrantLeaseCommand.TtlMicros", "GrantLeaseCommand.IsSession", "RevokeLeaseCommand.By",
        "AcquireCommand.Owner", "AcquireCommand.TtlMicros", "AcquireCommand.OwnLease", "AcquireCommand.WaitMicros", "AcquireCommand.Space",
        "AcquireCommand.Mode", "AcquireCommand.Count",
        "AcquireCommand.Permits", "AcquireCommand.LockDelayMicros", "AcquireCommand.MaxHoldMicros", "AcquireCommand.Metadata",
        "AcquireCommand.Value",
        "AcquireManyCommand.Owner", "AcquireManyCommand.TtlMicros", "AcquireManyCommand.OwnLease", "AcquireManyCommand.WaitMicros",
        "AcquireManyCommand.LockDelayMicros",
        "AcquireManyCommand.MaxHoldMicros", "AcquireManyCommand.Metadata",
        "RenewHoldCommand.Space", "RenewHoldCommand.Value", "ReleaseHoldCommand.Force", "ReleaseHoldCommand.Space", "ReleaseHoldCommand.By",
        "HandOverCommand.To", "HandOverCommand.Space",
        "ChangePermitsCommand.Permits", "FenceCommand.Token", "SettleCommand.Number", "PutSettingCommand.Setting",
        "PutSettingCommand.Value",
        "TxnCompare.Target", "TxnCompare.Operator", "TxnCompare.Number", "TxnCompare.Value", "TxnCompare.Space",
        "TxnPut.Value", "TxnDelete.IsPrefix", "TxnGet.IsPrefix", "TxnGet.Limit",
        // It is one of the asker's own, whatever it says.
        "WithdrawCommand.IdempotencyKey",
        // An administrator names what it likes.
        "PutRoleCommand.Name", "PutRoleCommand.Rules", "PutRoleCommand.ExpectedRevision", "DeleteRoleCommand.Name",
        "DeleteRoleCommand.ExpectedRevision",
        "PutPrincipalCommand.Name", "PutPrincipalCommand.Roles", "PutPrincipalCommand.IsDisabled", "PutPrincipalCommand.ExpectedRevision",
        "PutPrincipalCommand.Limits",
        "DeletePrincipalCommand.Name", "DeletePrincipalCommand.ExpectedRevision",
        "PutRevocationCommand.Fingerprint", "PutRevocationCommand.Note", "PutRevocationCommand.ExpectedRevision",
        "DeleteRevocationCommand.Fingerprint", "DeleteRevocationCommand.ExpectedRevision", "EnableAuthCommand.Admin",
        "EnableAuthCommand.ExpectedRevision",
        "PutTokenCommand.Id", "PutTokenCommand.Secret", "PutTokenCommand.Principal", "PutTokenCommand.NotAfter",
        "PutTokenCommand.TtlSeconds", "PutTokenCommand.ExpectedRevision",
        "RevokeTokenCommand.Id", "RevokeTokenCommand.Only", "RevokeTokenCommand.NotAfter", "RevokeTokenCommand.ExpectedRevision",
        // Whose it is, the credential says.
        "RotateTokenCommand.Id", "RotateTokenCommand.Secret", "RotateTokenCommand.NotAfter", "RotateTokenCommand.TtlSeconds",
        "RotateTokenCommand.ExpectedRevision", "EndOwnTokenCommand.NotAfter", "EndOwnTokenCommand.ExpectedRevision",
    ];

    private static IEnumerable<Type> Subtypes(Type type) =>
        type.Assembly.GetTypes().Where(other => !other.IsAbstract && other.IsSubclassOf(type));

    private static IEnumerable<TestCaseData> Commands() =>
        Subtypes(typeof(Command)).Select(type => new TestCaseData(type).SetArgDisplayNames(type.Name));

    [TestCaseSource(nameof(Commands))]
    public void Each_field_of_a_command_is_needed_or_names_nothing(Type type)
    {
        var filler = new Filler();
        var accesses = Accesses.Of((Command)filler.Make(type));
        if (Inner.Contains(type))
        {
            Assert.That(accesses, Is.Null, "nobody can ask for it");
            return;
        }
        Assert.That(accesses, Is.Not.Null.And.Not.Empty, "what needs nothing is done for anybody");
        foreach (var (field, value) in filler.Fields)
        {
            Assert.That(accesses!.Value.Any(access => Names(access, value)), Is.EqualTo(!Plain.Contains(field)), field);
        }
    }

    private static bool Names(Access access, object? value) => value switch
    {
        Key key => access.Name == key,
        LeaseId lease => access.Lease == lease,
        FencingToken token => access.Token == token,
        _ => false,
    };

    [Test]
    public void Every_plain_field_is_one_that_there_is()
    {
        var all = new Filler();
        Subtypes(typeof(Command)).ToList().ForEach(type => all.Make(type));
        Assert.That(Plain, Is.SubsetOf(all.Fields.Select(item => item.Field)).And.Unique);
    }

    private const string Id = "abcdefghijk";
    private static readonly Key Name = Machine.Key("n");
    private static readonly LeaseId Lease = new(7);
    private static readonly FencingToken Token = new(9);

    private static IEnumerable<(Command Command, Access[] Needed)> Needs()
    {
        yield return Case(new PutCommand(Name, default, LeaseId.None, default), Access.To(Spaces.Keys, Verbs.Write, Name));
        yield return Case(new PutCommand(Name, default, Lease, default), Access.To(Spaces.Keys, Verbs.Write, Name), Access.ToLease(Lease));
        yield return Case(new DeleteCommand(Name, default), Access.To(Spaces.Keys, Verbs.Write, Name));
        yield return Case(new DeletePrefixCommand(Name), Access.ToPrefix(Spaces.Keys, Verbs.Write, Name));
        yield return Case(new GrantLeaseCommand(Lease, 1), Access.ToLease(LeaseId.None));
        yield return Case(new RenewLeasesCommand([Lease]), Access.ToLifeOf(Lease));
        yield return Case(
            new RenewLeasesCommand([Lease, new LeaseId(8)]), Access.ToLifeOf(LeaseId.None), Access.ToLifeOfEach(Lease),
            Access.ToLifeOfEach(new LeaseId(8)));
        yield return Case(new RenewLeasesCommand([]), Access.ToLifeOf(LeaseId.None));
        yield return Case(new RevokeLeaseCommand(Lease), Access.ToLifeOf(Lease));
        foreach (var hold in Enum.GetValues<HoldSpace>())
        {
            var space = Access.SpaceOf(hold);
            var ask = new AcquireCommand(Name, "o", 1, Lease, LeaseId.None, 0) { Space = hold };
            var own = Access.ToHold(new ObjectName(hold, Name), Token);
            yield return Case(ask, Access.To(space, Verbs.Hold, Name));
            yield return Case(
                ask with { OwnLease = LeaseId.None, SharedLease = Lease }, Access.To(space, Verbs.Hold, Name), Access.ToLease(Lease));
            yield return Case(new RenewHoldCommand(Name, Token) { Space = hold }, own);
            yield return Case(new ReleaseHoldCommand(Name, Token, Force: false) { Space = hold }, own);
            yield return Case(new ReleaseHoldCommand(Name, Token, Force: true) { Space = hold }, Access.To(space, Verbs.Break, Name));
            yield return Case(new HandOverCommand(Name, Token, "you") { Space = hold }, own);
            yield return Case(
                Txn([new TxnCompare(CompareTarget.Hold, CompareOperator.Less, Name, 9, default, hold)]),
                Access.To(space, Verbs.Read, Name));
        }
        yield return Case(
            new AcquireManyCommand([Name, Machine.Key("m")], "o", 0, LeaseId.None, Lease),
            Access.To(Spaces.Locks, Verbs.Hold, Name),
            Access.To(Spaces.Locks, Verbs.Hold, Machine.Key("m")),
            Access.ToLease(Lease));
        yield return Case(new ChangePermitsCommand(Name, 3), Access.To(Spaces.Semaphores, Verbs.Break, Name));
        yield return Case(new FenceCommand(Name, Token), Access.To(Spaces.Fences, Verbs.Write, Name));
        yield return Case(new ResetFenceCommand(Name), Access.To(Spaces.Fences, Verbs.Break, Name));
        yield return Case(new WithdrawCommand(Name), Access.ToLease(LeaseId.None));
        yield return Case(new SettleCommand(Lease, 1), Access.ToLease(Lease));
        yield return Case(new PutSettingCommand(Setting.MaxFences, 1), Access.ToCluster(SystemRights.Administer));
        yield return Case(new EnableAuthCommand(""), Access.ToCluster(SystemRights.Administer));
        yield return Case(new DeleteRoleCommand("r"), Access.ToCluster(SystemRights.Administer));
        yield return Case(new PutTokenCommand(Id, Name, "p", 1, 1), Access.ToCluster(SystemRights.Administer));
        yield return Case(new RevokeTokenCommand(Id, Only: true, 0), Access.ToCluster(SystemRights.Administer));
        yield return Case(new RotateTokenCommand(Id, Name, 1, 1), Access.ToCluster(SystemRights.KeepToken));
        yield return Case(new EndOwnTokenCommand(0), Access.ToCluster(SystemRights.KeepToken));
        yield return Case(Txn([]), Access.ToLease(LeaseId.None));
        foreach (var target in Enum.GetValues<CompareTarget>().Where(target => target != CompareTarget.Hold))
        {
            yield return Case(Txn([new TxnCompare(target, CompareOperator.Greater, Name, 1)]), Access.To(Spaces.Keys, Verbs.Read, Name));
        }
        foreach (var isPrefix in new[] { false, true })
        {
            foreach (var operation in new TxnOperation[] { new TxnDelete(Name, isPrefix), new TxnGet(Name, isPrefix, 0) })
            {
                var verb = operation is TxnGet ? Verbs.Read : Verbs.Write;
                var needed = isPrefix ? Access.ToPrefix(Spaces.Keys, verb, Name) : Access.To(Spaces.Keys, verb, Name);
                yield return Case(Txn([], operation), needed);
                yield return Case(new TxnCommand([], [], [operation]), needed);
            }
        }
        yield return Case(
            new TxnCommand([], [], [new TxnPut(Name, default, Lease)]), Access.To(Spaces.Keys, Verbs.Write, Name), Access.ToLease(Lease));
    }

    [TestCaseSource(nameof(NeedCases))]
    public void A_command_needs(Command command, Access[] needed) => Assert.That(Accesses.Of(command), Is.EquivalentTo(needed));

    private static TxnCommand Txn(ImmutableArray<TxnCompare> compares, params TxnOperation[] success) => new(compares, [.. success], []);

    private static (Command Command, Access[] Needed) Case(Command command, params Access[] needed) => (command, needed);

    private static IEnumerable<TestCaseData> NeedCases() =>
        Needs().Select(
            (item, number) => new TestCaseData(item.Command, item.Needed).SetArgDisplayNames($"{number}", item.Command.GetType().Name));

    /// <summary>Makes a command in which every name, lease and token is another, in all that it is made of.</summary>
    private sealed class Filler
    {
        private long _last = 1_000;

        /// <summary>Each field with what it was given, as far as that can be told from others; else null.</summary>
        public List<(string Field, object? Value)> Fields { get; } = [];

        public object Make(Type type)
        {
            var constructor = type.GetConstructors().MaxBy(candidate => candidate.GetParameters().Length)!;
            var parameters = constructor.GetParameters();
            var made = constructor.Invoke(
                [.. parameters.Select(parameter => Fill(parameter.ParameterType, $"{type.Name}.{parameter.Name}"))]);
            foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
            {
                if (property.CanWrite && !parameters.Any(parameter => parameter.Name == property.Name))
                {
                    property.SetValue(made, Fill(property.PropertyType, $"{type.Name}.{property.Name}"));
                }
            }
            return made;
        }

        private object? Fill(Type type, string field)
        {
            if (type == typeof(Key))
            {
                return Named(field, Machine.Key($"name{++_last}"));
            }
            if (type == typeof(LeaseId))
            {
                return Named(field, new LeaseId(++_last));
            }
            if (type == typeof(FencingToken))
            {
                return Named(field, new FencingToken(++_last));
            }
            if (type == typeof(ImmutableArray<Key>))
            {
                return ImmutableArray.Create((Key)Fill(typeof(Key), field)!, (Key)Fill(typeof(Key), field)!);
            }
            if (type == typeof(ImmutableArray<LeaseId>))
            {
                return ImmutableArray.Create((LeaseId)Fill(typeof(LeaseId), field)!, (LeaseId)Fill(typeof(LeaseId), field)!);
            }
            if (type == typeof(ImmutableArray<TxnCompare>))
            {
                return Enum.GetValues<CompareTarget>().Select(
                    target => (TxnCompare)Make(typeof(TxnCompare)) with { Target = target }).ToImmutableArray();
            }
            if (type == typeof(ImmutableArray<TxnOperation>))
            {
                return Subtypes(typeof(TxnOperation)).Select(operation => (TxnOperation)Make(operation)).ToImmutableArray();
            }
            Fields.Add((field, null));
            return type == typeof(string) ? ""
                : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>) ? type.GetField("Empty")!.GetValue(null)
                : type.IsValueType ? Activator.CreateInstance(type)
                : type == typeof(PrincipalLimits) ? PrincipalLimits.Default
                : throw new NotSupportedException($"{field} is a {type}: say what of it is needed");
        }

        private object Named(string field, object value)
        {
            Fields.Add((field, value));
            return value;
        }
    }
}
