using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;

namespace Consensus.StateMachine.Wire;

/// <summary>Commands about holds and places in line, and about fences, as <c>commands.proto</c> has them.</summary>
internal static class HoldCommandCodec
{
    /// <summary>The message <c>Acquire</c>.</summary>
    public static class Acquire
    {
        private static readonly MessageShape Shape = new("an acquire");
        private static readonly int Name = Shape.Bytes(1);
        private static readonly int Owner = Shape.Text(2);
        private static readonly int TtlMicros = Shape.Number(3);
        private static readonly int OwnLease = Shape.Id(4);
        private static readonly int SharedLease = Shape.Id(5);
        private static readonly int WaitMicros = Shape.Number(6);
        private static readonly int Space = Shape.Number(7);
        private static readonly int Mode = Shape.Number(8);
        private static readonly int Count = Shape.Number(9);
        private static readonly int Permits = Shape.Number(10);
        private static readonly int LockDelayMicros = Shape.Number(11);
        private static readonly int MaxHoldMicros = Shape.Number(12);
        private static readonly int Metadata = Shape.Bytes(13);
        private static readonly int Value = Shape.Bytes(14);

        public static void Write(WireWriter writer, AcquireCommand acquire)
        {
            writer.Bytes(Name, acquire.Name.Bytes);
            writer.String(Owner, acquire.Owner);
            writer.Int64(TtlMicros, acquire.TtlMicros);
            writer.Fixed64(OwnLease, (ulong)acquire.OwnLease.Value);
            writer.Fixed64(SharedLease, (ulong)acquire.SharedLease.Value);
            writer.Int64(WaitMicros, acquire.WaitMicros);
            writer.Int64(Space, (int)acquire.Space);
            writer.Int64(Mode, (int)acquire.Mode);
            writer.Int64(Count, acquire.Count);
            writer.Int64(Permits, acquire.Permits);
            writer.Int64(LockDelayMicros, acquire.LockDelayMicros);
            writer.Int64(MaxHoldMicros, acquire.MaxHoldMicros);
            writer.Bytes(Metadata, acquire.Metadata.Span);
            writer.Bytes(Value, acquire.Value.Span);
        }

        public static AcquireCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new AcquireCommand(
                fields.Key(Name),
                fields.Text(Owner),
                fields.Number(TtlMicros),
                fields.Lease(OwnLease),
                fields.Lease(SharedLease),
                fields.Number(WaitMicros))
            {
                Space = fields.Space(Space),
                Mode = fields.Mode(Mode),
                Count = fields.Number(Count),
                Permits = fields.Number(Permits),
                LockDelayMicros = fields.Number(LockDelayMicros),
                MaxHoldMicros = fields.Number(MaxHoldMicros),
                Metadata = fields.Bytes(Metadata),
                Value = fields.Bytes(Value),
            };
        }
    }

    /// <summary>The message <c>AcquireMany</c>.</summary>
    public static class AcquireMany
    {
        private static readonly MessageShape Shape = new("an acquire of several locks");
        private static readonly int Names = Shape.Messages(1);
        private static readonly int Owner = Shape.Text(2);
        private static readonly int TtlMicros = Shape.Number(3);
        private static readonly int OwnLease = Shape.Id(4);
        private static readonly int SharedLease = Shape.Id(5);
        private static readonly int LockDelayMicros = Shape.Number(6);
        private static readonly int MaxHoldMicros = Shape.Number(7);
        private static readonly int Metadata = Shape.Bytes(8);
        private static readonly int WaitMicros = Shape.Number(9);

        public static void Write(WireWriter writer, AcquireManyCommand acquire)
        {
            foreach (var name in acquire.Names)
            {
                writer.BytesAlways(Names, name.Bytes);
            }
            writer.String(Owner, acquire.Owner);
            writer.Int64(TtlMicros, acquire.TtlMicros);
            writer.Fixed64(OwnLease, (ulong)acquire.OwnLease.Value);
            writer.Fixed64(SharedLease, (ulong)acquire.SharedLease.Value);
            writer.Int64(LockDelayMicros, acquire.LockDelayMicros);
            writer.Int64(MaxHoldMicros, acquire.MaxHoldMicros);
            writer.Bytes(Metadata, acquire.Metadata.Span);
            writer.Int64(WaitMicros, acquire.WaitMicros);
        }

        public static AcquireManyCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new AcquireManyCommand(
                fields.Keys(), fields.Text(Owner), fields.Number(TtlMicros), fields.Lease(OwnLease), fields.Lease(SharedLease))
            {
                LockDelayMicros = fields.Number(LockDelayMicros),
                MaxHoldMicros = fields.Number(MaxHoldMicros),
                Metadata = fields.Bytes(Metadata),
                WaitMicros = fields.Number(WaitMicros),
            };
        }
    }

    /// <summary>The message <c>RenewHold</c>.</summary>
    public static class RenewHold
    {
        private static readonly MessageShape Shape = new("a renewal of a hold");
        private static readonly int Name = Shape.Bytes(1);
        private static readonly int Token = Shape.Number(2);
        private static readonly int Space = Shape.Number(3);
        private static readonly int SetsValue = Shape.Number(4);
        private static readonly int Value = Shape.Bytes(5);

        public static void Write(WireWriter writer, RenewHoldCommand renew)
        {
            writer.Bytes(Name, renew.Name.Bytes);
            writer.Int64(Token, renew.Token.Value);
            writer.Int64(Space, (int)renew.Space);
            writer.Bool(SetsValue, renew.Value is not null);
            writer.Bytes(Value, renew.Value.GetValueOrDefault().Span);
        }

        public static RenewHoldCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new RenewHoldCommand(fields.Key(Name), new FencingToken(fields.Number(Token)))
            {
                Space = fields.Space(Space),
                Value = fields.Flag(SetsValue) ? fields.Bytes(Value) : (ReadOnlyMemory<byte>?)null,
            };
        }
    }

    /// <summary>The message <c>ReleaseHold</c>.</summary>
    public static class ReleaseHold
    {
        private static readonly MessageShape Shape = new("a release");
        private static readonly int Name = Shape.Bytes(1);
        private static readonly int Token = Shape.Number(2);
        private static readonly int Force = Shape.Number(3);
        private static readonly int Space = Shape.Number(4);
        private static readonly int By = Shape.Text(5);

        public static void Write(WireWriter writer, ReleaseHoldCommand release)
        {
            writer.Bytes(Name, release.Name.Bytes);
            writer.Int64(Token, release.Token.Value);
            writer.Bool(Force, release.Force);
            writer.Int64(Space, (int)release.Space);
            writer.String(By, release.By);
        }

        public static ReleaseHoldCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new ReleaseHoldCommand(fields.Key(Name), new FencingToken(fields.Number(Token)), fields.Flag(Force))
            {
                Space = fields.Space(Space),
                By = fields.Text(By),
            };
        }
    }

    /// <summary>The message <c>CancelWait</c>.</summary>
    public static class CancelWait
    {
        private static readonly MessageShape Shape = new("a cancellation");
        private static readonly int Name = Shape.Bytes(1);
        private static readonly int Request = Shape.Message(2);
        private static readonly int Reason = Shape.Number(3);
        private static readonly int Space = Shape.Number(4);

        public static void Write(WireWriter writer, CancelWaitCommand cancel)
        {
            writer.Bytes(Name, cancel.Name.Bytes);
            RequestIdCodec.Write(writer, Request, cancel.Request);
            writer.Int64(Reason, (int)cancel.Reason);
            writer.Int64(Space, (int)cancel.Space);
        }

        public static CancelWaitCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            var reason = fields.Number(Reason);
            return reason <= (long)CancelReason.Stopping && fields.Has(Request)
                ? new CancelWaitCommand(fields.Key(Name), fields.Request(Request), (CancelReason)reason) { Space = fields.Space(Space) }
                : throw new WireFormatException("a cancellation of no request, or for an unknown reason");
        }
    }

    /// <summary>The message <c>HandOver</c>.</summary>
    public static class HandOver
    {
        private static readonly MessageShape Shape = new("a hand-over");
        private static readonly int Name = Shape.Bytes(1);
        private static readonly int Token = Shape.Number(2);
        private static readonly int To = Shape.Text(3);
        private static readonly int Space = Shape.Number(4);

        public static void Write(WireWriter writer, HandOverCommand handOver)
        {
            writer.Bytes(Name, handOver.Name.Bytes);
            writer.Int64(Token, handOver.Token.Value);
            writer.String(To, handOver.To);
            writer.Int64(Space, (int)handOver.Space);
        }

        public static HandOverCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new HandOverCommand(fields.Key(Name), new FencingToken(fields.Number(Token)), fields.Text(To))
            {
                Space = fields.Space(Space),
            };
        }
    }

    /// <summary>The message <c>ChangePermits</c>.</summary>
    public static class ChangePermits
    {
        private static readonly MessageShape Shape = new("a change of permits");
        private static readonly int Name = Shape.Bytes(1);
        private static readonly int Permits = Shape.Number(2);

        public static void Write(WireWriter writer, ChangePermitsCommand change)
        {
            writer.Bytes(Name, change.Name.Bytes);
            writer.Int64(Permits, change.Permits);
        }

        public static ChangePermitsCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new ChangePermitsCommand(fields.Key(Name), fields.Number(Permits));
        }
    }

    /// <summary>The message <c>DetachRequests</c>.</summary>
    public static class DetachRequests
    {
        private static readonly MessageShape Shape = new("a detach of requests");
        private static readonly int Requests = Shape.Messages(1);

        public static void Write(WireWriter writer, DetachRequestsCommand detach)
        {
            foreach (var request in detach.Requests)
            {
                RequestIdCodec.Write(writer, Requests, request);
            }
        }

        public static DetachRequestsCommand Read(ReadOnlyMemory<byte> body) => new(new Fields(body, Shape).Requests());
    }

    /// <summary>The message <c>Fence</c>.</summary>
    public static class Fence
    {
        private static readonly MessageShape Shape = new("a fence");
        private static readonly int Resource = Shape.Bytes(1);
        private static readonly int Token = Shape.Number(2);

        public static void Write(WireWriter writer, FenceCommand fence)
        {
            writer.Bytes(Resource, fence.Resource.Bytes);
            writer.Int64(Token, fence.Token.Value);
        }

        public static FenceCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new FenceCommand(fields.Key(Resource), new FencingToken(fields.Number(Token)));
        }
    }

    /// <summary>The message <c>ResetFence</c>.</summary>
    public static class ResetFence
    {
        private static readonly MessageShape Shape = new("a reset of a fence");
        private static readonly int Resource = Shape.Bytes(1);

        public static void Write(WireWriter writer, ResetFenceCommand reset) => writer.Bytes(Resource, reset.Resource.Bytes);

        public static ResetFenceCommand Read(ReadOnlyMemory<byte> body) => new(new Fields(body, Shape).Key(Resource));
    }
}
