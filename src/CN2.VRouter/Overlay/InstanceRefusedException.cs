namespace CN2.VRouter.Overlay;

/// <summary>The kernel refuses what one RoutingInstance needs; the message is for the operator.</summary>
internal sealed class InstanceRefusedException(int number, Exception reason) : Exception(reason.Message, reason)
{
    public int Number { get; } = number;
}
