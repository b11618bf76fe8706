namespace CN2.Network.Allocation;

/// <summary>Kubernetes' ipFamilyPolicy.</summary>
public enum IPFamilyPolicy
{
    SingleStack,
    PreferDualStack,
    RequireDualStack,
}
