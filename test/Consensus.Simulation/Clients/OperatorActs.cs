using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Clients;

/// <summary>
/// What operators change while the cluster is in use, limits of semaphores and settings, and what clients hear of the former.
/// </summary>
internal sealed class OperatorActs(CoordinationOptions plan, DeterministicRandom random)
{
    private static readonly Setting[] Settings = [Setting.MaxLeases, Setting.MaxObjects, Setting.MaxWaiters, Setting.MaxFences];

    /// <summary>The limits that were heard of last.</summary>
    private readonly Dictionary<ObjectName, long> _permits = [];

    /// <summary>The limit with which permits are asked for.</summary>
    public long PermitsOf(ObjectName semaphore) =>
        plan.PermitWeight > 0 ? _permits.GetValueOrDefault(semaphore, plan.Permits) : plan.Permits;

    public ChangePermitsCommand DrawPermits(Key semaphore) => new(semaphore, random.Next(1, plan.Permits + 3));

    /// <summary>About the least that a setting takes, the value of this version, or one that is refused.</summary>
    public PutSettingCommand DrawSetting()
    {
        var setting = SettingDefinition.Of(Settings[random.Next(Settings.Length)]);
        var value = random.Next(4) switch
        {
            0 => random.Next(setting.Least),
            1 => setting.Default,
            _ => setting.Least + random.Next(3),
        };
        return new PutSettingCommand(setting.Setting, value);
    }

    public void Learn(Operation operation)
    {
        var permits = operation.Outcome switch
        {
            PermitsMismatch other => other.Permits,
            PermitsChanged changed => changed.Permits,
            PermitsOut stays => stays.Permits,
            _ => operation.Seen?.Permits ?? 0,
        };
        if (permits > 0 && operation.Name.Space == HoldSpace.Semaphore)
        {
            _permits[operation.Name] = permits;
        }
    }
}
